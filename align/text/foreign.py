"""Lines in another language than the recording's, as captions in two languages have them.

The commonest words of a language tell it: a line that holds twice as many of another's as of the recording's own is
foreign, and the audio has the last word on whether it is said.
"""

from __future__ import annotations

import re

Span = tuple[int, int]

COMMON_WORDS = {
    "en": "the a an and of to in is was i you he she it we they that this with for on at be are were have had has not"
    " but his her my your their our me him them as by from or if so what who when there no do did will would can all"
    " one out up about just like know it's don't i'm that's very then than how now get go said",
    "de": "der die das und ich sie er es wir ihr ist war nicht ein eine einen dem den des zu mit auf für von im in an"
    " sich auch so als wie was wenn dass hat haben wird noch nur aber bei nach aus um mir mich uns kein man",
    "fr": "le la les un une des et je tu il elle nous vous ils est était pas ne que qui dans pour sur avec ce cette se"
    " sa son ses mon ma mes au aux du de en plus mais ou où on y a été sont comme tout bien c'est d'un qu'il",
    "es": "a el la los las un una unos y yo tú él ella nosotros ellos es era no que de del en por para con se su sus mi"
    " mis al lo le me te nos pero como más muy ya está son fue hay todo había cuando donde este esta",
    "it": "il lo la i gli le un una uno e io tu lui lei noi voi loro è era non che di del della in per con si su suo"
    " sua mio mia al alla ma come più molto già sono ho ha questo questa quando dove anche ci mi ti",
    "pt": "o a os as um uma e eu tu ele ela nós eles é era não que de do da dos das em no na por para com se seu sua"
    " meu minha ao à mas como mais muito já está são foi há tudo quando onde este esta você me lhe",
    "nl": "de het een en ik jij je hij zij ze wij we is was niet van in op te met voor aan dat die er ook als maar om"
    " bij naar uit zijn haar mijn heeft had wordt nog wel geen dan zo wat wie",
}
_SETS = {language: frozenset(words.split()) for language, words in COMMON_WORDS.items()}
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LEAST_LINES = 4
_LEAST_SHARE = 0.2
"""Of all lines; fewer are names, songs and quotations, which may well be read."""


def foreign_lines(text: str, language: str) -> list[Span]:
    """Half-open spans of the lines in another language, where a text has them all through.

    Args:
        text: lines of a transcript.
        language: primary subtag of the recording's language; for one whose words are not known here there are none.
    """
    own = _SETS.get(language)
    if own is None or text.count("\n") < _LEAST_LINES:
        return []
    others = [words for other, words in _SETS.items() if other != language]
    lines = 0
    found: list[Span] = []
    for line in _LINE.finditer(text):
        words = {word.lower().replace("’", "'") for word in _WORD.findall(line[0])}
        lines += bool(words)
        most = max(len(words & other) for other in others)
        if len(words) > 1 and most >= max(1, 2 * len(words & own)):
            found.append(line.span())
    return found if len(found) >= max(_LEAST_LINES / 2, _LEAST_SHARE * lines) else []
