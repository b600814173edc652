"""Language tags: the two letters of ISO 639-1, and the three of ISO 639-3 that models of many languages go by."""

from __future__ import annotations

_PAIRS = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel bg:bul bi:bis
bm:bam bn:ben bo:bod br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces cu:chu cv:chv cy:cym da:dan de:deu
dv:div dz:dzo ee:ewe el:ell en:eng eo:epo es:spa et:est eu:eus fa:fas ff:ful fi:fin fj:fij fo:fao fr:fra fy:fry
ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:hye hz:her ia:ina
id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl it:ita iu:iku ja:jpn jv:jav ka:kat kg:kon ki:kik kj:kua kk:kaz
kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao
lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri mk:mkd ml:mal mn:mon mr:mar ms:msa mt:mlt my:mya na:nau nb:nob nd:nde
ne:nep ng:ndo nl:nld nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol
ps:pus pt:por qu:que rm:roh rn:run ro:ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag sh:hbs si:sin sk:slk
sl:slv sm:smo sn:sna so:som sq:sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir
tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol
wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho zu:zul
"""
THREE_LETTERS = {pair[:2]: pair[3:] for pair in _PAIRS.split()}
"""ISO 639-3 by ISO 639-1."""

_BIBLIOGRAPHIC_PAIRS = """
alb:sqi arm:hye baq:eus bur:mya chi:zho cze:ces dut:nld fre:fra geo:kat ger:deu gre:ell ice:isl mac:mkd mao:mri may:msa
per:fas rum:ron slo:slk tib:bod wel:cym
"""
_BIBLIOGRAPHIC = {pair[:3]: pair[4:] for pair in _BIBLIOGRAPHIC_PAIRS.split()}
"""ISO 639-3 by the codes of ISO 639-2/B, which media files have."""

UNKNOWN_LANGUAGE = "?"
"""In place of a tag: of manifest entries of which nothing is known, since they break a rule."""


def primary_of(tag: str) -> str:
    """The primary subtag of a tag, in small letters: "de" of "de-AT"."""
    return tag.replace("_", "-").split("-")[0].lower()


def three_letters(tag: str) -> str:
    """The ISO 639-3 code of a tag; what is no ISO 639-1 stays as it is."""
    primary = primary_of(tag)
    return THREE_LETTERS.get(primary, _BIBLIOGRAPHIC.get(primary, primary))


def is_known(tag: str) -> bool:
    """Whether a tag begins with a language: of two letters, one of ISO 639-1; of three, any."""
    primary = primary_of(tag)
    return primary in THREE_LETTERS or (len(primary) == 3 and primary.isascii() and primary.isalpha())


def one_spelling(tag: str) -> str:
    """The same for all spellings of a tag: "deu-at" of de-AT, de_AT and deu-AT."""
    _, *rest = tag.replace("_", "-").lower().split("-")
    return "-".join([three_letters(tag), *rest])
