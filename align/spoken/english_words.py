"""Tables for reading English aloud: units, abbreviations, and names that carry Roman numerals."""

from __future__ import annotations

UNITS: dict[str, tuple[str, str]] = {
    "km": ("kilometer", "kilometers"), "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "µm": ("micrometer", "micrometers"),
    "μm": ("micrometer", "micrometers"), "nm": ("nanometer", "nanometers"), "mi": ("mile", "miles"),
    "ft": ("foot", "feet"), "yd": ("yard", "yards"), "yds": ("yard", "yards"),
    "kg": ("kilogram", "kilograms"), "kgs": ("kilogram", "kilograms"), "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"), "l": ("liter", "liters"), "L": ("liter", "liters"),
    "ml": ("milliliter", "milliliters"), "mL": ("milliliter", "milliliters"),
    "cl": ("centiliter", "centiliters"), "gal": ("gallon", "gallons"), "ha": ("hectare", "hectares"),
    "mph": ("mile an hour", "miles an hour"), "kph": ("kilometer an hour", "kilometers an hour"),
    "km/h": ("kilometer an hour", "kilometers an hour"),
    "kmh": ("kilometer an hour", "kilometers an hour"), "m/s": ("meter a second", "meters a second"),
    "km/s": ("kilometer a second", "kilometers a second"), "ft/s": ("foot a second", "feet a second"),
    "rpm": ("r p m", "r p m"), "mpg": ("mile a gallon", "miles a gallon"),
    "bpm": ("beat a minute", "beats a minute"), "km²": ("square kilometer", "square kilometers"),
    "m²": ("square meter", "square meters"), "cm²": ("square centimeter", "square centimeters"),
    "mm²": ("square millimeter", "square millimeters"), "ft²": ("square foot", "square feet"),
    "sq ft": ("square foot", "square feet"), "km³": ("cubic kilometer", "cubic kilometers"),
    "m³": ("cubic meter", "cubic meters"), "cm³": ("cubic centimeter", "cubic centimeters"),
    "cc": ("c c", "c c"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"), "dB": ("decibel", "decibels"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "GW": ("gigawatt", "gigawatts"), "kWh": ("kilowatt hour", "kilowatt hours"),
    "MWh": ("megawatt hour", "megawatt hours"), "V": ("volt", "volts"), "kV": ("kilovolt", "kilovolts"),
    "mA": ("milliamp", "milliamps"), "hp": ("horsepower", "horsepower"), "psi": ("p s i", "p s i"),
    "kcal": ("kilocalorie", "kilocalories"), "cal": ("calorie", "calories"),
    "KB": ("kilobyte", "kilobytes"), "kB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit a second", "megabits a second"), "Gbps": ("gigabit a second", "gigabits a second"),
    "ms": ("millisecond", "milliseconds"), "sec": ("second", "seconds"), "secs": ("second", "seconds"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "yrs": ("year", "years"), "yr": ("year", "years"), "K": ("k", "k"),
}  # fmt: skip

CURRENCIES: dict[str, tuple[str, str, str, str]] = {
    "$": ("dollar", "dollars", "cent", "cents"), "US$": ("u s dollar", "u s dollars", "cent", "cents"),
    "A$": ("australian dollar", "australian dollars", "cent", "cents"),
    "C$": ("canadian dollar", "canadian dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"), "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"), "₩": ("won", "won", "jeon", "jeon"),
    "₪": ("shekel", "shekels", "agora", "agorot"), "₺": ("lira", "lira", "kurus", "kurus"),
}  # fmt: skip

SCALES = {
    "hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion",
    "trillion": "trillion", "k": "thousand", "m": "million", "mn": "million", "mm": "million",
    "bn": "billion", "b": "billion", "tn": "trillion",
}  # fmt: skip

# Read the same with the full stop and without it.
TITLES = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "messrs": "messieurs",
    "sgt": "sergeant", "capt": "captain", "lt": "lieutenant", "cpl": "corporal", "cmdr": "commander",
    "jr": "junior", "sr": "senior", "vs": "versus", "mme": "madame", "mlle": "mademoiselle",
}  # fmt: skip

# Titles only with a full stop, a capital at the front, and a name behind: "Gen. Grant", but "Gen" and "hon."
TITLES_BEFORE_NAMES = {
    "Gen": "general", "Gov": "governor", "Sen": "senator", "Rep": "representative", "Hon": "honorable",
    "Pres": "president", "Maj": "major", "Adm": "admiral", "Col": "colonel", "Rev": "reverend",
    "Pvt": "private", "Mt": "mount", "Ft": "fort", "Supt": "superintendent", "Insp": "inspector",
    "Fr": "father", "Br": "brother",
}  # fmt: skip

AFTER_NAMES = {
    "Co": "company", "Corp": "corporation", "Inc": "incorporated", "Ltd": "limited", "Bros": "brothers",
    "Esq": "esquire", "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Dept": "department",
    "Univ": "university", "Assn": "association", "Hwy": "highway", "Pkwy": "parkway",
}  # fmt: skip

ABBREVIATIONS = {
    "etc": "et cetera", "e.g": "for example", "i.e": "that is", "viz": "namely",
    "approx": "approximately", "cf": "compare", "ibid": "ibidem", "ph.d": "p h d", "incl": "including",
    "dept": "department", "misc": "miscellaneous", "w/o": "without",
}  # fmt: skip

BEFORE_NUMBERS = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "Vol": "volume", "vol": "volume",
    "Vols": "volumes", "vols": "volumes", "Ch": "chapter", "ch": "chapter", "Chap": "chapter",
    "chap": "chapter", "Fig": "figure", "fig": "figure", "Figs": "figures", "figs": "figures",
    "p": "page", "pp": "pages", "c": "circa", "ca": "circa", "Sec": "section", "Art": "article",
    "vv": "verses", "Ex": "example", "Eq": "equation", "eq": "equation", "Pt": "part", "pt": "part",
    "Ep": "episode", "NO": "number", "NOS": "numbers", "VOL": "volume",
}  # fmt: skip

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
SHORT_MONTHS = {
    "Jan": "january", "Feb": "february", "Mar": "march", "Apr": "april", "Jun": "june", "Jul": "july",
    "Aug": "august", "Sep": "september", "Sept": "september", "Oct": "october", "Nov": "november",
    "Dec": "december",
}  # fmt: skip

# "Chapter IV" is chapter four.
HEADINGS = (
    "Chapter", "Book", "Part", "Act", "Scene", "Volume", "Vol.", "Section", "Canto", "Appendix",
    "Article", "Psalm", "War", "Phase", "Stage", "Class", "Episode", "Season", "Bowl", "Verse", "Plate",
    "Figure", "Table", "Lecture", "Letter", "Stave", "Number", "No.", "Title", "Type", "Level",
    "Amendment", "Apollo", "Saturn", "Sonnet", "Idyll", "Division", "Rule", "Question", "Problem",
    "Lesson", "Essay", "Tome", "Fragment", "Vatican", "Schedule",
)  # fmt: skip

# "Henry VIII" is Henry the eighth.
REGAL_NAMES = (
    "Henry", "Louis", "George", "Edward", "Richard", "Charles", "James", "William", "Elizabeth", "Paul",
    "Pius", "Leo", "Benedict", "Innocent", "Gregory", "Clement", "Urban", "Boniface", "Sixtus", "Adrian",
    "Alexander", "Napoleon", "Nicholas", "Peter", "Philip", "Ferdinand", "Frederick", "Francis", "Joseph",
    "Ivan", "Otto", "Rameses", "Ramesses", "Ramses", "Ptolemy", "Catherine", "Gustav", "Gustavus",
    "Christian", "Haakon", "Harald", "Olaf", "Alfonso", "Alphonso", "Robert", "David", "Victor",
    "Wilhelm", "Maximilian", "Rudolf", "Rudolph", "Leopold", "Albert", "Baldwin", "Constantine",
    "Theodosius", "Justinian", "Xerxes", "Darius", "Thutmose", "Amenhotep", "Seti", "Emmanuel", "Mehmed",
    "Murad", "Selim", "Mahmud", "Sigismund", "Casimir", "Stanislaus", "Boleslaus", "Ladislaus", "Bela",
    "Umberto", "Humbert", "Pedro", "Juan", "Carlos", "Felipe", "Haile", "Abdul", "Antiochus",
    "Artaxerxes", "Mithridates", "Seleucus", "Tiglath", "Sargon", "Nebuchadnezzar", "Conrad", "Lothair",
    "Otho", "Eugene", "Eugenius", "Celestine", "Honorius", "Martin", "Calixtus", "Callixtus", "Julius",
    "Nicolas", "Stephen", "Kenneth", "Donald", "Duncan", "Edmund", "Ethelred", "Harold", "Mary", "Anne",
    "Isabella", "Margaret", "Christina", "Akbar", "Osman",
)  # fmt: skip
