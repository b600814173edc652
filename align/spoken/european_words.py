"""Tables for reading German, French, Spanish, Italian, Portuguese and Dutch aloud."""

from __future__ import annotations

from dataclasses import dataclass, replace

Forms = tuple[str, str]
"""Singular and plural."""


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """How one language reads numbers and signs.

    Attributes:
        code: primary subtag.
        point: the decimal comma.
        minus: the sign before a number.
        to: the dash between two numbers.
        percent: the sign %.
        symbols: other signs that stand for a word.
        one: 1 before a noun.
        joins_cents: between the whole part and the cents of a price.
        joins_minutes: between hours and minutes.
        hour: a word after a clock time that `joins_minutes` says already, or "".
        places_as_number: whether 3,25 ends in twenty five.
        years_in_hundreds: whether 1843 is eighteen hundred and so on.
        currencies: currencies by sign.
        units: units by symbol.
        abbreviations: abbreviations as written, with their full stops.
        before_numbers: abbreviations that count only before a digit.
        region: in small letters, where one counts otherwise ("br"); else "".
    """

    code: str
    point: str
    minus: str
    to: str
    percent: str
    symbols: dict[str, str]
    one: str
    joins_cents: str
    joins_minutes: str
    hour: str
    places_as_number: bool
    years_in_hundreds: bool
    currencies: dict[str, Forms]
    units: dict[str, Forms]
    abbreviations: dict[str, str]
    before_numbers: dict[str, str]
    region: str = ""

    @property
    def numbers(self) -> str:
        """The language whose numbers these are, with its region."""
        return f"{self.code}-{self.region}" if self.region else self.code


_UNIT_SYMBOLS = (
    *("km/h", "km²", "m²", "km", "m", "cm", "mm", "kg", "g", "mg"),
    *("l", "ml", "°C", "°F", "°", "Hz", "kHz"),
)


def _units(*words: str) -> dict[str, Forms]:
    """The common units, given as "one/many" or one word for both, in the order of their symbols."""
    forms = [word.partition("/") for word in words]
    return {symbol: (one, many or one) for symbol, (one, _, many) in zip(_UNIT_SYMBOLS, forms)}


GERMAN = Tongue(
    code="de",
    point="Komma",
    minus="minus",
    to="bis",
    percent="Prozent",
    symbols={"&": "und", "@": "at", "+": "plus", "=": "gleich", "§": "Paragraf", "×": "mal", "%": "Prozent"},
    one="ein",
    joins_cents=" ",
    joins_minutes=" Uhr ",
    hour="Uhr",
    places_as_number=False,
    years_in_hundreds=True,
    currencies={
        "€": ("Euro", "Euro"), "$": ("Dollar", "Dollar"), "£": ("Pfund", "Pfund"), "¥": ("Yen", "Yen"),
        "CHF": ("Franken", "Franken"),
    },
    units=_units(
        "Kilometer pro Stunde", "Quadratkilometer", "Quadratmeter", "Kilometer", "Meter", "Zentimeter",
        "Millimeter",
        "Kilogramm", "Gramm", "Milligramm", "Liter", "Milliliter", "Grad Celsius", "Grad Fahrenheit",
        "Grad", "Hertz",
        "Kilohertz",
    ),
    abbreviations={
        "z. B.": "zum Beispiel", "z.B.": "zum Beispiel", "d. h.": "das heißt", "d.h.": "das heißt",
        "u. a.": "unter anderem", "u.a.": "unter anderem", "usw.": "und so weiter", "bzw.": "beziehungsweise",
        "ca.": "circa", "ggf.": "gegebenenfalls", "evtl.": "eventuell", "vgl.": "vergleiche", "Dr.": "Doktor",
        "Prof.": "Professor", "Hr.": "Herr", "Fr.": "Frau", "St.": "Sankt", "Mio.": "Millionen",
        "Mrd.": "Milliarden",
        "Jh.": "Jahrhundert", "v. Chr.": "vor Christus", "n. Chr.": "nach Christus", "etc.": "et cetera",
        "u. s. w.": "und so weiter", "sog.": "sogenannte", "inkl.": "inklusive", "Str.": "Straße",
    },
    before_numbers={
        "Nr.": "Nummer", "S.": "Seite", "Abs.": "Absatz", "Art.": "Artikel", "Bd.": "Band",
        "Kap.": "Kapitel",
    },
)  # fmt: skip

FRENCH = Tongue(
    code="fr",
    point="virgule",
    minus="moins",
    to="à",
    percent="pour cent",
    symbols={
        "&": "et", "@": "arobase", "+": "plus", "=": "égale", "§": "paragraphe", "×": "fois",
        "%": "pour cent",
    },
    one="un",
    joins_cents=" ",
    joins_minutes=" heures ",
    hour="heures",
    places_as_number=True,
    years_in_hundreds=False,
    currencies={
        "€": ("euro", "euros"), "$": ("dollar", "dollars"), "£": ("livre", "livres"), "¥": ("yen", "yens"),
        "CHF": ("franc", "francs"),
    },
    units=_units(
        "kilomètre heure/kilomètres heure", "kilomètre carré/kilomètres carrés", "mètre carré/mètres carrés",
        "kilomètre/kilomètres", "mètre/mètres", "centimètre/centimètres", "millimètre/millimètres",
        "kilogramme/kilogrammes", "gramme/grammes", "milligramme/milligrammes", "litre/litres",
        "millilitre/millilitres", "degré celsius/degrés celsius", "degré fahrenheit/degrés fahrenheit",
        "degré/degrés", "hertz", "kilohertz",
    ),
    abbreviations={
        "MM.": "messieurs", "Mme": "madame", "Mmes": "mesdames", "Mlle": "mademoiselle",
        "Mlles": "mesdemoiselles",
        "Dr": "docteur", "Dr.": "docteur", "Pr": "professeur", "etc.": "et cetera", "c.-à-d.": "c'est-à-dire",
        "p. ex.": "par exemple", "av. J.-C.": "avant Jésus-Christ", "apr. J.-C.": "après Jésus-Christ",
        "ap. J.-C.": "après Jésus-Christ", "Mgr": "monseigneur",
    },
    before_numbers={
        "n°": "numéro", "N°": "numéro", "p.": "page", "pp.": "pages", "art.": "article", "vol.": "volume",
    },
)  # fmt: skip

SPANISH = Tongue(
    code="es",
    point="coma",
    minus="menos",
    to="a",
    percent="por ciento",
    symbols={
        "&": "y", "@": "arroba", "+": "más", "=": "igual a", "§": "sección", "×": "por", "%": "por ciento",
    },
    one="un",
    joins_cents=" con ",
    joins_minutes=" ",
    hour="",
    places_as_number=True,
    years_in_hundreds=False,
    currencies={
        "€": ("euro", "euros"), "$": ("dólar", "dólares"), "£": ("libra", "libras"), "¥": ("yen", "yenes"),
    },
    units=_units(
        "kilómetro por hora/kilómetros por hora", "kilómetro cuadrado/kilómetros cuadrados",
        "metro cuadrado/metros cuadrados", "kilómetro/kilómetros", "metro/metros", "centímetro/centímetros",
        "milímetro/milímetros", "kilogramo/kilogramos", "gramo/gramos", "miligramo/miligramos",
        "litro/litros",
        "mililitro/mililitros", "grado centígrado/grados centígrados", "grado fahrenheit/grados fahrenheit",
        "grado/grados", "hercio/hercios", "kilohercio/kilohercios",
    ),
    abbreviations={
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Sres.": "señores", "Dr.": "doctor",
        "Dra.": "doctora",
        "Ud.": "usted", "Vd.": "usted", "Uds.": "ustedes", "Vds.": "ustedes", "etc.": "etcétera",
        "p. ej.": "por ejemplo",
        "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos", "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo",
        "Dña.": "doña", "Prof.": "profesor",
    },
    before_numbers={
        "n.º": "número", "núm.": "número", "Núm.": "número", "pág.": "página", "p.": "página",
        "págs.": "páginas",
        "art.": "artículo", "cap.": "capítulo", "nº": "número", "Nº": "número", "N.º": "número",
    },
)  # fmt: skip

ITALIAN = Tongue(
    code="it",
    point="virgola",
    minus="meno",
    to="a",
    percent="per cento",
    symbols={
        "&": "e", "@": "chiocciola", "+": "più", "=": "uguale", "§": "paragrafo", "×": "per",
        "%": "per cento",
    },
    one="un",
    joins_cents=" e ",
    joins_minutes=" e ",
    hour="",
    places_as_number=True,
    years_in_hundreds=False,
    currencies={
        "€": ("euro", "euro"), "$": ("dollaro", "dollari"), "£": ("sterlina", "sterline"),
        "¥": ("yen", "yen"),
    },
    units=_units(
        "chilometro orario/chilometri orari", "chilometro quadrato/chilometri quadrati",
        "metro quadrato/metri quadrati",
        "chilometro/chilometri", "metro/metri", "centimetro/centimetri", "millimetro/millimetri",
        "chilogrammo/chilogrammi", "grammo/grammi", "milligrammo/milligrammi", "litro/litri",
        "millilitro/millilitri",
        "grado celsius/gradi celsius", "grado fahrenheit/gradi fahrenheit", "grado/gradi", "hertz",
        "chilohertz",
    ),
    abbreviations={
        "Sig.": "signor", "Sig.ra": "signora", "Sigg.": "signori", "Dott.": "dottor",
        "Dott.ssa": "dottoressa",
        "Dr.": "dottor", "Prof.": "professor", "Prof.ssa": "professoressa", "ecc.": "eccetera",
        "etc.": "eccetera",
        "Avv.": "avvocato", "Ing.": "ingegner", "a.C.": "avanti Cristo", "d.C.": "dopo Cristo",
        "p. es.": "per esempio",
    },
    before_numbers={
        "n.": "numero", "N.": "numero", "n°": "numero", "nº": "numero", "p.": "pagina", "pag.": "pagina",
        "art.": "articolo", "cap.": "capitolo",
    },
)  # fmt: skip

PORTUGUESE = Tongue(
    code="pt",
    point="vírgula",
    minus="menos",
    to="a",
    percent="por cento",
    symbols={
        "&": "e", "@": "arroba", "+": "mais", "=": "igual a", "§": "parágrafo", "×": "vezes",
        "%": "por cento",
    },
    one="um",
    joins_cents=" e ",
    joins_minutes=" e ",
    hour="horas",
    places_as_number=True,
    years_in_hundreds=False,
    currencies={
        "€": ("euro", "euros"), "R$": ("real", "reais"), "$": ("dólar", "dólares"), "£": ("libra", "libras"),
        "¥": ("iene", "ienes"),
    },
    units=_units(
        "quilômetro por hora/quilômetros por hora", "quilômetro quadrado/quilômetros quadrados",
        "metro quadrado/metros quadrados", "quilômetro/quilômetros", "metro/metros", "centímetro/centímetros",
        "milímetro/milímetros", "quilograma/quilogramas", "grama/gramas", "miligrama/miligramas",
        "litro/litros",
        "mililitro/mililitros", "grau celsius/graus celsius", "grau fahrenheit/graus fahrenheit",
        "grau/graus",
        "hertz", "quilohertz",
    ),
    abbreviations={
        "Sr.": "senhor", "Sra.": "senhora", "Srta.": "senhorita", "Dr.": "doutor", "Dra.": "doutora",
        "Prof.": "professor",
        "Profa.": "professora", "etc.": "et cetera", "p. ex.": "por exemplo", "a.C.": "antes de Cristo",
        "d.C.": "depois de Cristo", "Exmo.": "excelentíssimo",
    },
    before_numbers={
        "n.º": "número", "nº": "número", "Nº": "número", "N.º": "número", "pág.": "página", "p.": "página",
        "art.": "artigo", "cap.": "capítulo",
    },
)  # fmt: skip

DUTCH = Tongue(
    code="nl",
    point="komma",
    minus="min",
    to="tot",
    percent="procent",
    symbols={"&": "en", "@": "at", "+": "plus", "=": "is", "§": "paragraaf", "×": "keer", "%": "procent"},
    one="een",
    joins_cents=" ",
    joins_minutes=" uur ",
    hour="uur",
    places_as_number=True,
    years_in_hundreds=True,
    currencies={"€": ("euro", "euro"), "$": ("dollar", "dollar"), "£": ("pond", "pond"), "¥": ("yen", "yen")},
    units=_units(
        "kilometer per uur", "vierkante kilometer", "vierkante meter", "kilometer", "meter", "centimeter",
        "millimeter", "kilogram", "gram", "milligram", "liter", "milliliter", "graad celsius/graden celsius",
        "graad fahrenheit/graden fahrenheit", "graad/graden", "hertz", "kilohertz",
    ),
    abbreviations={
        "dhr.": "de heer", "mevr.": "mevrouw", "mw.": "mevrouw", "dr.": "doctor", "Dr.": "doctor",
        "prof.": "professor",
        "bijv.": "bijvoorbeeld", "bv.": "bijvoorbeeld", "enz.": "enzovoort", "d.w.z.": "dat wil zeggen",
        "m.a.w.": "met andere woorden", "o.a.": "onder andere", "ca.": "circa", "etc.": "et cetera",
        "v.Chr.": "voor Christus", "n.Chr.": "na Christus", "mr.": "meester", "jl.": "jongstleden",
    },
    before_numbers={"nr.": "nummer", "Nr.": "nummer", "blz.": "bladzijde", "p.": "pagina", "art.": "artikel"},
)  # fmt: skip

_REGIONS = tuple(
    replace(tongue, region=region) for tongue, region in ((PORTUGUESE, "br"), (FRENCH, "be"), (FRENCH, "ch"))
)
TONGUES = {
    tongue.numbers: tongue for tongue in (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, *_REGIONS)
}
"""By primary subtag, and by region where that counts otherwise."""

MONTH_NAMES = {
    "de": (
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
        "Dezember",
    ),
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
        "décembre",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
        "noviembre", "diciembre",
    ),
    "it": (
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
        "novembre", "dicembre",
    ),
    "pt": (
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
        "novembro", "dezembro",
    ),
    "nl": (
        "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
        "november", "december",
    ),
}  # fmt: skip
"""Names of the months, by language."""

JOINS_DATE = {"es": " de ", "pt": " de "}
"""What stands between day, month and year; a space where the language is not here."""
