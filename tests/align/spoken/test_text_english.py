"""English read aloud: hand-written tables of what is written and what is said."""

from __future__ import annotations

import time

import pytest

from prep_corpus.align.text.normalize import TextOptions, normalize

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")


def said(written: str) -> str:
    return normalize(written, alphabet=LOWER).text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("0 1 12 25 110", "zero one twelve twenty five one hundred and ten"),
        ("1,234,567", "one million two hundred and thirty four thousand five hundred and sixty seven"),
        ("007", "zero zero seven"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
        ("3.14 0.5 .5", "three point one four zero point five point five"),
        ("1.2.3", "one point two point three"),
        ("-5 and −5 and (-5)", "minus five and minus five and minus five"),
        ("B2B H2O H₂O MP3", "b two b h two o h two o mp three"),
        ("F-16 COVID-19", "f sixteen covid nineteen"),
        ("#5", "number five"),
        ("C# and F#, C++", "c sharp and f sharp c plus plus"),
        ("#LoveWins #top10 #one_two #fun", "hashtag love wins hashtag top ten hashtag one two hashtag fun"),
        ("2+2=4", "two plus two equals four"),
        ("10² m", "ten squared m"),
        (
            "10 000 and 2 500 000 and 250 000",
            "ten thousand and two million five hundred thousand and two hundred and fifty thousand",
        ),
        ("5\u202f100 km", "five thousand one hundred kilometers"),
        ("5 100", "five one hundred"),
        (
            "555 123 456",
            "five hundred and fifty five one hundred and twenty three four hundred and fifty six",
        ),
        ("3,14 1.234,56", "three point one four one thousand two hundred and thirty four point five six"),
        ("1,2,3", "one two three"),
        ("1.000.000", "one million"),
        (
            "192.168.100.200",
            "one hundred and ninety two point one hundred and sixty eight point one hundred point two"
            " hundred",
        ),
    ],
)
def test_numbers(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1843", "eighteen forty three"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2003", "two thousand three"),
        ("2010", "twenty ten"),
        ("1066", "ten sixty six"),
        ("1000", "one thousand"),
        ("1,843", "one thousand eight hundred and forty three"),
        ("3000", "three thousand"),
        ("1990s 1990's '90s 90s", "nineteen nineties nineteen nineties nineties nineties"),
        ("the 1800s, the 2000s", "the eighteen hundreds the two thousands"),
        ("class of '76 and '05", "class of seventy six and oh five"),
        ("1914-18", "nineteen fourteen to eighteen"),
        ("1914–1918", "nineteen fourteen to nineteen eighteen"),
        ("May 5, 1990", "may fifth nineteen ninety"),
        ("on 5 May", "on the fifth of may"),
        ("the 5 May", "the fifth of may"),
        ("Dec. 25 and Jan 3", "december twenty fifth and january third"),
        ("2003-05-17", "may seventeenth two thousand three"),
        ("5/17/2003", "may seventeenth two thousand three"),
        ("May 1990", "may nineteen ninety"),
        (
            "24.12.2024 and 3. 5. 1999.",
            "december twenty fourth twenty twenty four and may third nineteen ninety nine",
        ),
        (
            "24/12/2024, 2024/12/24",
            "december twenty fourth twenty twenty four december twenty fourth twenty twenty four",
        ),
        ("9/11/01 24.12.98", "september eleventh oh one december twenty fourth ninety eight"),
        (
            "version 10.4.11 of 32.13.2024",
            "version ten point four point eleven of thirty two point thirteen point two"
            " thousand and twenty four",
        ),
    ],
)
def test_years_and_dates(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("21st 2nd 3rd 4th 112TH", "twenty first second third fourth one hundred and twelfth"),
        ("1/2 3/4 1/4 2/3 5/8", "one half three quarters one quarter two thirds five eighths"),
        ("2 1/2", "two and a half"),
        ("3½ ½ 1¾", "three and a half one half one and three quarters"),
        ("9/11 24/7", "nine eleven twenty four seven"),
        ("10-15 people", "ten to fifteen people"),
        ("won 3-2", "won three two"),
        ("5-10%", "five to ten percent"),
        ("555-1234", "five five five one two three four"),
        ("(555) 123-4067", "five five five one two three four oh six seven"),
    ],
)
def test_ordinals_fractions_and_ranges(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("$3.50", "three dollars and fifty cents"),
        ("$1", "one dollar"),
        ("$1.01", "one dollar and one cent"),
        ("$0.99", "ninety nine cents"),
        ("$.50", "fifty cents"),
        ("£25", "twenty five pounds"),
        ("£1.05", "one pound and five pence"),
        ("€1,000", "one thousand euros"),
        ("25 shillings", "twenty five shillings"),
        ("$1.2 million", "one point two million dollars"),
        ("$5bn and $10k", "five billion dollars and ten thousand dollars"),
        ("50¢", "fifty cents"),
        ("5% 3.5 % 1%", "five percent three point five percent one percent"),
        ("5 km", "five kilometers"),
        ("1 kg", "one kilogram"),
        ("60mph", "sixty miles an hour"),
        ("20°C, −5 °F, 1°", "twenty degrees celsius minus five degrees fahrenheit one degree"),
        ("5℃", "five degrees celsius"),
        ("100 m²", "one hundred square meters"),
        ("a 5-km run", "a five kilometers run"),
        ("8 GB at 3.2 GHz", "eight gigabytes at three point two gigahertz"),
        ("I am 5 in the game", "i am five in the game"),
    ],
)
def test_money_and_measures(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3:45", "three forty five"),
        ("3:05 p.m.", "three oh five p m"),
        ("3:00", "three o'clock"),
        ("15:00", "fifteen hundred"),
        ("3:00 PM", "three p m"),
        ("5pm, 10 a.m.", "five p m ten a m"),
        ("12:30:15", "twelve thirty and fifteen seconds"),
    ],
)
def test_times(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Mr. Smith and Mrs Jones", "mister smith and missus jones"),
        ("MR. SMITH, DR JONES", "mister smith doctor jones"),
        ("Dr. Who on Rodeo Dr. in", "doctor who on rodeo drive in"),
        ("St. Paul's on Main St. is", "saint paul's on main street is"),
        ("cats vs. dogs, etc.", "cats versus dogs et cetera"),
        ("e.g. this, i.e. that", "for example this that is that"),
        ("No. 5, nos. 3 and 4", "number five numbers three and four"),
        ("He said no. Five came.", "he said no five came"),
        ("vol. 2, pp. 12-15", "volume two pages twelve to fifteen"),
        ("Gen. Grant of Acme Co., Ltd.", "general grant of acme company limited"),
        ("Gen and col", "gen and col"),
        ("U.S.A. and J. R. R. Tolkien", "u s a and j r r tolkien"),
        ("the BBC", "the bbc"),
        ("a Ph.D.", "a p h d"),
        ("AT&T R&B you & me", "at and t r and b you and me"),
        ("me@home", "me at home"),
        ("john@example.com", "john at example dot com"),
        ("https://www.example.org/a", "www dot example dot org slash a"),
        ("Amazon.com", "amazon dot com"),
        ("№ 7", "number seven"),
    ],
)
def test_abbreviations_and_signs(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Chapter IV", "chapter four"),
        ("CHAPTER XIX.", "chapter nineteen"),
        ("Chapter I. It was", "chapter one it was"),
        ("Part I liked", "part i liked"),
        ("Part I of the book", "part one of the book"),
        ("World War II", "world war two"),
        ("Henry VIII's wives", "henry the eighth's wives"),
        ("Elizabeth II.", "elizabeth the second"),
        ("Charles I think", "charles i think"),
        ("King Charles I died", "king charles the first died"),
        ("Robert V. Smith", "robert v smith"),
        ("Malcolm X", "malcolm x"),
        ("I mix CD and DVD", "i mix cd and dvd"),
        ("Chapter Ⅳ", "chapter four"),
    ],
)
def test_roman_numerals_are_read_only_where_they_are_safe(written: str, spoken: str) -> None:
    assert said(written) == spoken


def test_text_in_words_stays_as_it_is() -> None:
    written = "the quick brown fox didn't jump over all of the lazy dogs in may and then said no"
    assert said(written) == written


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1.1",
        "1,111",
        "a.",
        "<",
        "<!--",
        "[",
        "(",
        "-",
        "$",
        "'",
        "A ",
        "IV ",
        "1-",
        "1:",
        "a@",
        "_ ",
        " ",
        "\n",
    ],
)
@pytest.mark.parametrize("language", ["en", "de", "fr", "zh", "sv"])
def test_no_text_takes_long(piece: str, language: str) -> None:
    """The rules are regular expressions: none of them may need more than linear time, or nearly."""
    started = time.thread_time()
    options = TextOptions(strip_markup=True, strip_speakers=True, strip_directions=True)
    normalize(piece * 4000, alphabet=LOWER, language=language, options=options)
    assert time.thread_time() - started < 2.0
