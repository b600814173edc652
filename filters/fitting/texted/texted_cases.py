"""Recordings of which all words are known, as they are read with a text.

Legend: W recognised words, V words truly said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.recognised import RecognisedWords, recognise
from prep_corpus.align.recognition.uncovered import as_text
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.fit_recognition import right_words
from prep_corpus.filters.fitting.texted.fit_rereading import KnownReadings, said_in_place
from prep_corpus.filters.judge_evidence import TimedWords, with_judge
from prep_corpus.filters.recognition_evidence import recognition_evidence
from prep_corpus.filters.rereading import Readings, Rereading, choose_readings, find_readings, with_text
from prep_corpus.filters.text_evidence import TextWords


@dataclass(frozen=True, kw_only=True)
class TextedCase:
    """A case with a text, before it is known how much that counts for what is read.

    Attributes:
        case: as `recognition_case` makes it.
        found: what the model hears.
        text: the words of the text.
        readings: what else may have been said.
        judged: what a judge hears in it, and the letters in common; None without a judge.
    """

    case: Case
    found: RecognisedWords
    text: TextWords
    readings: Readings
    judged: tuple[TimedWords, frozenset[str]] | None = None

    @property
    def known(self) -> KnownReadings:
        """What `fit_rereading` learns from it."""
        said = said_in_place(self.found.texts, self.case.true_texts)
        return KnownReadings(readings=self.readings, said=said, weight=self.case.weight)


def texted_case(
    case: Case, text: TextWords, info: ModelInfo, judged: tuple[TimedWords, frozenset[str]] | None = None
) -> TextedCase:
    """A case, as `recognition_case` makes it, with a text.

    Args:
        case: without a text.
        text: the words of one, as `words_of_text` gives them.
        info: the model's description.
        judged: as of `recognition_case`.
    """
    found = recognise(case.seen, info)
    readings = find_readings(case.log_probs_TC, case.seen, info, found, text)
    return TextedCase(case=case, found=found, text=text, readings=readings, judged=judged)


def with_text_of(one: TextedCase, rereading: Rereading, info: ModelInfo) -> Case:
    """The case as it is read with its text, with the evidence of that.

    Args:
        one: a case with a text.
        rereading: how much the text counts.
        info: the model's description.
    """
    case = one.case
    words = choose_readings(case.log_probs_TC, case.seen, one.found, one.text, one.readings, rereading)
    evidence_WF = recognition_evidence(case.log_probs_TC, words.found, case.seen)
    if one.judged is not None:
        evidence_WF = with_judge(evidence_WF, words.found, info, one.judged[1], one.judged[0])
    table = as_text(words.found, case.seen.delimiter, in_pieces=bool(info.tokenizer))
    right_W, right_V = right_words(words.found.texts, case.true_texts)
    return replace(
        case,
        tokens_L=table.tokens_L,
        words=table.words,
        texts=words.found.texts,
        evidence_WF=with_text(evidence_WF, words, info, one.text),
        right_W=right_W,
        true_right_V=right_V,
    )
