"""Other languages than English read aloud."""

from __future__ import annotations

import pytest

from prep_corpus.align.spoken.mandarin import cardinal
from prep_corpus.align.spoken.reading import primary_language
from prep_corpus.align.text.normalize import normalize

LATIN = frozenset("abcdefghijklmnopqrstuvwxyzäöüßàâçéèêëîïôùûœñáíóúãõìò'")
CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюя")
HAN = frozenset("今天是二零三年月日百分之五十我用一万个点负四六七八九千元公里到亿美上午")


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("de", "1843 und 2003", "achtzehnhundertdreiundvierzig und zweitausenddrei"),
        ("de", "3,50 €, 1 €, € 20", "drei euro fünfzig ein euro zwanzig euro"),
        ("de", "1.000 Leute, 3,14", "eintausend leute drei komma eins vier"),
        (
            "de",
            "am 24.12.2024, der 1.5.1990",
            "am vierundzwanzigsten dezember zweitausendvierundzwanzig der erste mai neunzehnhundertneunzig",
        ),
        (
            "fr",
            "le 01/05/1998 et 2.5.1998",
            "le premier mai mille neuf cent quatre vingt dix huit et deux mai mille neuf"
            " cent quatre vingt dix huit",
        ),
        ("es", "el 24/12/2024", "el veinticuatro de diciembre de dos mil veinticuatro"),
        ("nl", "24-12-2024 #ikBen1", "vierentwintig december tweeduizendvierentwintig hashtag ik ben één"),
        ("de", "25 % von 5 km", "fünfundzwanzig prozent von fünf kilometer"),
        ("de", "am 3. Oktober", "am dritten oktober"),
        ("de", "der 2. Mann", "der zweite mann"),
        ("de", "Es waren 2. Dann", "es waren zwei dann"),
        ("de", "um 15:30 Uhr, 1:05", "um fünfzehn uhr dreißig ein uhr fünf"),
        ("de", "Dr. Weiß, z. B. usw.", "doktor weiß zum beispiel und so weiter"),
        ("de-AT", "−5 °C & 10–15", "minus fünf grad celsius und zehn bis fünfzehn"),
        ("fr", "le 1er mai 1990", "le premier mai mille neuf cent quatre vingt dix"),
        ("fr", "3,50 € et 1 €", "trois euros cinquante et un euro"),
        ("fr", "1 000 habitants, 25 %", "mille habitants vingt cinq pour cent"),
        ("fr", "à 15h30", "à quinze heures trente"),
        ("fr", "le XIXe siècle, Louis XIV", "le dix neuvième siècle louis quatorze"),
        ("fr", "Le Roi, M. Dupont et Mme Roux", "le roi monsieur dupont et madame roux"),
        ("fr", "l’œuvre d’été", "l'œuvre d'été"),
        ("es", "el 1º y la 2ª", "el primero y la segunda"),
        ("es", "21 €, 3,50 €", "veintiún euros tres euros con cincuenta"),
        ("es", "el siglo XX y Felipe II", "el siglo veinte y felipe segundo"),
        ("es", "¿Sr. López? ¡25 %!", "señor lópez veinticinco por ciento"),
        ("es", "en 1990, 5 km", "en mil novecientos noventa cinco kilómetros"),
        ("it", "3,50 € alle 15:30", "tre euro e cinquanta alle quindici e trenta"),
        ("pt-BR", "R$ 3,50 às 15h30", "três reais e cinquenta às quinze e trinta"),
        ("nl", "de 2e keer, € 3,50", "de tweede keer drie euro vijftig"),
        ("sv", "25 och 10 000", "tjugofem och tiotusen"),
    ],
)
def test_european_languages(language: str, written: str, spoken: str) -> None:
    assert normalize(written, alphabet=LATIN, language=language).text == spoken


def test_russian_numbers_are_spoken_and_latin_letters_are_reported() -> None:
    normalized = normalize("Ему 21 год, ok? Ёж", alphabet=CYRILLIC, language="ru")
    assert normalized.text == "ему двадцать один год еж"
    assert normalized.unsayable == ((12, 14),)


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("ru", "−5", "минус пять"), ("ru", "-3,5", "минус три пять"), ("pl", "-0,5", "minus zero przecinek pięć"),
        ("pl", "1.234,5", "tysiąc dwieście trzydzieści cztery przecinek pięć"),
        ("sv", "3,05", "tre komma noll fem"), ("sv", "1,234", "ettusen tvåhundratrettiofyra"),
        ("sv", "1.5.2020", "ett fem tvåtusentjugo"), ("sv", "1,2,3", "ett två tre"), ("sv", "5-6", "fem sex"),
        ("tr", "-12,30", "eksi on iki virgül üç sıfır"), ("ko", "3.5", "삼 점 오"),
        ("hi", "-3.5", "माइनस तीन दशमलव पाँच"),
        ("vi", "−1.234,5", "âm một nghìn hai trăm ba mươi tư phẩy năm"), ("bn", "3.5", "তিন পাঁচ"),
    ],
)  # fmt: skip
def test_signs_of_languages_without_a_table_of_their_own(language: str, written: str, spoken: str) -> None:
    letters = frozenset(letter for letter in spoken if letter != " ")
    assert normalize(written, alphabet=letters, language=language).text == spoken


def test_japanese_decimals() -> None:
    alphabet = frozenset("マイナス三点五")
    found = normalize("-3.5", alphabet=alphabet, language="ja", has_spaces=False)
    assert found.text == "マイナス三点五"


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        (0, "零"), (10, "十"), (15, "十五"), (20, "二十"), (105, "一百零五"), (110, "一百一十"),
        (1005, "一千零五"), (1050, "一千零五十"), (10005, "一万零五"), (100000, "十万"),
        (12340005, "一千二百三十四万零五"), (100010000, "一亿零一万"), (10**8, "一亿"),
    ],
)  # fmt: skip
def test_mandarin_cardinals(value: int, spoken: str) -> None:
    assert cardinal(value) == spoken


def test_mandarin_by_character() -> None:
    original = "今天是2003年5月10日，25%，我用iPhone。"
    normalized = normalize(original, alphabet=HAN, language="zh-CN", has_spaces=False)
    assert normalized.text == "今天是二零零三年五月十日百分之二十五我用"
    assert normalized.words() == [(at, at + 1) for at in range(len(normalized.text))]
    assert [original[a:b] for a, b in normalized.unsayable] == ["iPhone"]
    assert normalized.text_of(0, 8) == "今天是2003年"
    assert normalized.text_of(12, 18) == "25%，"
    owners = normalized.char_ownership().tolist()
    assert owners[3:7] == [3, 3, 3, 3]  # all of 2003 belongs to the first of its four characters
    assert owners[7] == 7


@pytest.mark.parametrize(
    ("tag", "primary"), [("en-GB", "en"), ("EN_us", "en"), ("deu", "de"), ("cmn", "zh"), ("yue", "yue")]
)
def test_language_tags(tag: str, primary: str) -> None:
    assert primary_language(tag) == primary
