"""Numbers in words against tables of what is right."""

from __future__ import annotations

import pytest
from num2words import num2words

from prep_corpus.align.spoken.numbers import cardinal, in_words
from prep_corpus.align.spoken.reading import counting_language, primary_language
from prep_corpus.align.text.normalize import normalize

TABLES: dict[str, dict[int, str]] = {
    "af": {21: "een en twintig", 99: "nege en negentig", 2000: "tweeduisend"},
    "ar": {
        16: "ستة عشر", 21: "واحد وعشرون", 101: "مائة وواحد", 200: "مئتان", 1900: "ألف وتسعمائة", 2000: "ألفان",
        2024: "ألفان وأربعة وعشرون", 2000000: "مليونان",
    },
    "az": {
        1: "bir", 60: "altmış", 100: "yüz", 1000: "min", 1999: "min doqquz yüz doxsan doqquz", 2000: "iki min",
        11000: "on bir min", 20000: "iyirmi min", 21000: "iyirmi bir min", 100000: "yüz min", 101000: "yüz bir min",
        1000000: "bir milyon", 1001000: "bir milyon min", 2000000000: "iki milyard",
    },
    "be": {21: "дваццаць адзін", 2000: "дзве тысячы", 21000: "дваццаць адна тысяча"},
    "bg": {
        11: "единайсет", 21: "двайсет и едно", 200: "двеста", 500: "петстотин", 1000: "хиляда",
        2001: "две хиляди и едно",
        1000000: "един милион",
    },
    "ca": {21: "vint i un", 200: "dos cents", 999: "nou cents noranta nou", 1000: "mil"},
    "cs": {
        21: "dvacet jedna", 200: "dvě stě", 300: "tři sta", 400: "čtyři sta", 500: "pět set", 600: "šest set",
        700: "sedm set",
        800: "osm set", 900: "devět set", 1900: "tisíc devět set", 2000: "dva tisíce", 5000: "pět tisíc",
    },
    "da": {
        1: "et", 21: "enogtyve", 50: "halvtreds", 60: "tres", 77: "syvoghalvfjerds", 99: "nioghalvfems",
        200: "tohundrede",
        2000: "to tusind", 999999: "nihundrede og nioghalvfems tusind nihundrede og nioghalvfems",
        1000000: "en million",
        2000000: "to millioner", 1000000000: "en milliard",
    },
    "de": {
        1: "eins", 21: "einundzwanzig", 101: "einhunderteins", 21000: "einundzwanzigtausend",
        101000: "einhunderteintausend",
        1000000: "eine Million", 2000001: "zwei Millionen eins",
    },
    "el": {
        1: "ένα", 21: "είκοσι ένα", 90: "ενενήντα", 99: "ενενήντα εννέα", 100: "εκατό", 101: "εκατόν ένα",
        200: "διακόσια",
        1000: "χίλια", 2000: "δύο χιλιάδες", 21000: "είκοσι μία χιλιάδες", 200000: "διακόσιες χιλιάδες",
    },
    "eo": {21: "dudek unu", 200: "ducent", 1000: "mil", 1100: "mil cent", 1999: "mil naŭcent naŭdek naŭ"},
    "es": {
        16: "dieciséis", 21: "veintiuno", 100: "cien", 101: "ciento uno", 500: "quinientos", 1001: "mil uno",
        21000: "veintiún mil", 31000: "treinta y un mil", 101000: "ciento un mil", 1000000: "un millón",
        21000000: "veintiún millones",
    },
    "et": {11: "üksteist", 21: "kakskümmend üks", 200: "kakssada", 2000: "kaks tuhat", 2000000: "kaks miljonit"},
    "fi": {21: "kaksikymmentäyksi", 100: "sata", 1000: "tuhat", 2000: "kaksituhatta"},
    "fr": {
        21: "vingt et un", 71: "soixante et onze", 80: "quatre vingts", 99: "quatre vingt dix neuf",
        2000: "deux mille",
    },
    "fr-be": {70: "septante", 80: "quatre vingts", 99: "nonante neuf", 1999: "mille neuf cent nonante neuf"},
    "fr-ch": {70: "septante", 80: "huitante", 99: "nonante neuf"},
    "hi": {
        11: "ग्यारह", 16: "सोलह", 21: "इक्कीस", 34: "चौंतीस", 50: "पचास", 100: "एक सौ", 1000: "एक हज़ार",
        2024: "दो हज़ार चौबीस", 100000: "एक लाख", 1000000: "दस लाख",
    },
    "hr": {
        11: "jedanaest", 21: "dvadeset i jedan", 200: "dvjesto", 2000: "dvije tisuće", 5000: "pet tisuća",
        2000000: "dva milijuna",
    },
    "hu": {
        2: "kettő", 12: "tizenkettő", 102: "százkettő", 200: "kétszáz", 1002: "ezerkettő", 2000: "kétezer",
        2002: "kétezer kettő", 12000: "tizenkétezer", 22000: "huszonkétezer", 2000000: "kétmillió",
    },
    "id": {11: "sebelas", 100: "seratus", 1000: "seribu", 21000: "dua puluh satu ribu", 1001000: "satu juta seribu"},
    "it": {21: "ventuno", 23: "ventitré", 28: "ventotto", 100: "cento", 2000: "duemila", 1000000: "un milione"},
    "ja": {4: "四", 10: "十", 21: "二十一", 10000: "一万"},
    "ka": {11: "თერთმეტი", 21: "ოცდაერთი", 77: "სამოცდაჩვიდმეტი", 100: "ასი", 1000: "ათასი", 2000: "ორი ათასი"},
    "kk": {8: "сегіз", 21: "жиырма бір", 40: "қырық", 100: "жүз", 1000: "бір мың"},
    "ko": {1: "일", 10: "십", 21: "이십일", 10000: "만"},
    "lt": {21: "dvidešimt vienas", 200: "du šimtai", 5000: "penki tūkstančiai", 11000: "vienuolika tūkstančių"},
    "ms": {11: "sebelas", 21: "dua puluh satu", 80: "lapan puluh", 100: "seratus", 1000: "seribu", 2000: "dua ribu"},
    "nl": {1: "één", 21: "eenentwintig", 100: "honderd", 2000: "tweeduizend"},
    "no": {
        1: "en", 16: "seksten", 21: "tjueen", 100: "ett hundre", 101: "ett hundre og en", 1000: "ett tusen",
        2000: "to tusen",
        16000: "seksten tusen", 21000: "tjueett tusen", 1000000: "en million", 2000000: "to millioner",
        1000000000: "en milliard",
    },
    "pl": {12: "dwanaście", 21: "dwadzieścia jeden", 200: "dwieście", 2000: "dwa tysiące", 5000: "pięć tysięcy"},
    "pt": {16: "dezasseis", 21: "vinte e um", 100: "cem", 101: "cento e um", 2024: "dois mil e vinte e quatro"},
    "pt-br": {16: "dezesseis", 17: "dezessete", 19: "dezenove", 1101: "mil cento e um", 1000000000: "um bilhão"},
    "ro": {
        16: "șaisprezece", 21: "douăzeci și unu", 1000: "o mie", 2000: "două mii", 21000: "douăzeci și una de mii",
        101000: "o sută una de mii", 5000000: "cinci milioane", 21000000: "douăzeci și unu de milioane",
    },
    "ru": {21: "двадцать один", 200: "двести", 2000: "две тысячи", 21000: "двадцать одна тысяча"},
    "sl": {
        21: "enaindvajset", 200: "dvesto", 2000000: "dva milijona", 3000000: "trije milijoni",
        5000000: "pet milijonov",
    },
    "sq": {11: "njëmbëdhjetë", 21: "njëzet e një", 40: "dyzet", 200: "dyqind", 2000: "dy mijë"},
    "sr": {21: "dvadeset jedan", 200: "dvesta", 2000: "dve hiljade", 5000: "pet hiljada"},
    "sv": {
        21: "tjugoett", 40: "fyrtio", 48: "fyrtioåtta", 100: "etthundra", 1000: "ettusen",
        1999: "ettusen niohundranittionio", 2000: "tvåtusen", 21000: "tjugoettusen", 1000000: "en miljon",
        1000001: "en miljon ett", 2000000: "två miljoner", 2000021: "två miljoner tjugoett",
    },
    "sw": {11: "kumi na moja", 21: "ishirini na moja", 100: "mia moja", 2024: "elfu mbili ishirini na nne"},
    "th": {11: "สิบเอ็ด", 20: "ยี่สิบ", 21: "ยี่สิบเอ็ด", 100: "หนึ่งร้อย"},
    "tr": {
        11: "on bir", 99: "doksan dokuz", 100: "yüz", 1000: "bin", 1999: "bin dokuz yüz doksan dokuz",
        2000: "iki bin",
    },
    "uk": {5: "п'ять", 21: "двадцять один", 2000: "дві тисячі", 21000: "двадцять одна тисяча"},
    "vi": {
        15: "mười lăm", 21: "hai mươi mốt", 101: "một trăm lẻ một", 1001: "một nghìn không trăm lẻ một",
        1010: "một nghìn không trăm mười", 2000: "hai nghìn",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", TABLES)
def test_numbers_are_said_as_people_say_them(language: str) -> None:
    right = TABLES[language]
    assert {number: in_words(number, language) for number in right} == right


@pytest.mark.parametrize(("language", "number"), [("ar", 101000), ("sr", 10**9)])
def test_what_no_library_says_right_is_not_said(language: str, number: int) -> None:
    assert in_words(number, language) is None


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ru", "az", "hr", "tr", "sv", "no"])
def test_different_numbers_are_said_differently(language: str) -> None:
    numbers = [*range(1200), *range(1000, 1_200_000, 1000)]
    assert len({cardinal(number, language) for number in numbers}) == len(set(numbers))


def test_what_is_mended_is_wrong_in_the_library() -> None:
    """A mend that is no longer needed should go."""
    libraries = {
        "cs": (200, "dvěstě"), "de": (101000, "einhunderteinstausend"), "es": (21000, "veintiuno mil"),
        "hu": (102, "százkét"), "no": (1000, "en tusen"), "sv": (1000, "etttusen"),
    }  # fmt: skip
    for language, (number, wrong) in libraries.items():
        assert num2words(number, lang=language) == wrong
        assert in_words(number, language) != wrong


@pytest.mark.parametrize(
    ("tag", "language", "counting"),
    [
        ("pt-BR", "pt", "pt-br"), ("pt_PT", "pt", "pt"), ("por-BR", "pt", "pt-br"), ("fr-BE", "fr", "fr-be"),
        ("fr-Latn-CH", "fr", "fr-ch"), ("de-CH", "de", "de"), ("hrv", "hr", "hr"), ("gre", "el", "el"), ("ekk", "et",
        "et"),
        ("swh", "sw", "sw"), ("nb", "no", "no"), ("haw", "haw", "haw"),
    ],
)  # fmt: skip
def test_the_region_counts_where_numbers_differ(tag: str, language: str, counting: str) -> None:
    assert (primary_language(tag), counting_language(tag)) == (language, counting)


def test_texts_are_read_by_region() -> None:
    letters = frozenset("abcdefghijklmnopqrstuvwxyzçãõéíú")
    said = {tag: normalize("são 16", alphabet=letters, language=tag).text for tag in ("pt-BR", "pt-PT")}
    assert said == {"pt-BR": "são dezesseis", "pt-PT": "são dezasseis"}


def test_hundreds_and_thousands_as_in_india() -> None:
    devanagari = frozenset("बीसलाखएकसौदोहज़ार") | {"़"}
    assert normalize("20,00,000 और", alphabet=devanagari, language="hi").text.startswith("बीस लाख")
