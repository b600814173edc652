"""The raw material of the bundled English model: which sets, how often, what is held out.

The rule for what is held out depends on names alone, so that it never moves: two LibriSpeech speakers, a tenth of
the AN4 and Common Voice speakers, a tenth of the prompts of a single-speaker set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.manifest_rows import ManifestRow, manifest_rows


@dataclass(frozen=True, kw_only=True)
class SpeechSet:
    """One folder of the raw material, with a manifest.jsonl.

    Attributes:
        name: name of the folder.
        weight: how often a second of it is drawn.
        held_out: "" for none of it; "speakers" or "prompts" for a tenth of them; else the names of speakers,
            parted by commas.
    """

    name: str
    weight: float = 1.0
    held_out: str = ""

    def holds_out(self, row: ManifestRow) -> bool:
        """Whether a row is kept from training."""
        if self.held_out == "speakers":
            return _tenth(row.speaker)
        if self.held_out == "prompts":
            return _tenth(re.sub("[^a-z]", "", (row.text or "").lower()))
        return bool(self.held_out) and row.speaker in self.held_out.split(",")


ENGLISH_SETS = (
    SpeechSet(name="librispeech-dev-clean", weight=2.0, held_out="84,2902"),
    SpeechSet(name="librispeech-train-3-speakers", weight=1.8),
    SpeechSet(name="librispeech-train-248-speakers", weight=3.0),
    SpeechSet(name="kathleen", weight=2.0, held_out="prompts"),
    SpeechSet(name="ljspeech"),
    SpeechSet(name="common-voice", weight=0.7, held_out="speakers"),
    SpeechSet(name="common-voice-more", weight=0.7, held_out="speakers"),
    SpeechSet(name="an4", weight=2.0, held_out="speakers"),
    SpeechSet(name="lj-prompts"),
    SpeechSet(name="librivox-6097"),
    SpeechSet(name="speech-to-intent", weight=0.2),
    SpeechSet(name="common-voice-unvalidated", weight=0.15),
)
SYNTHETIC_WEIGHT = 0.4
NOISE_SET = "noise"


def sets_of(folder: Path) -> tuple[SpeechSet, ...]:
    """The sets that are in a folder.

    Raises:
        UsageError: there is none of them.
    """
    found = tuple(s for s in ENGLISH_SETS if (folder / s.name / "manifest.jsonl").is_file())
    if not found:
        raise UsageError(
            f"{folder}: none of the sets of the English model is here ({', '.join(s.name for s in ENGLISH_SETS)})"
        )
    return found


def sentences(folder: Path, sets: Iterable[SpeechSet], more: Path | None = None) -> list[str]:
    """What synthesisers are given to say: the sets' texts and those of a file, without those held out; sorted.

    Args:
        folder: folder of the sets.
        sets: whose texts to take.
        more: a text file, one sentence a line; lines that are no plain words are passed over.

    Raises:
        UsageError: the file cannot be read as UTF-8 text.
    """
    spoken: set[str] = set()
    withheld: set[str] = set()
    for speech_set in sets:
        for row in manifest_rows(str(folder / speech_set.name / "manifest.jsonl")):
            if plain := _plain_sentence(row.text or ""):
                (withheld if speech_set.holds_out(row) else spoken).add(plain)
    if more is not None:
        try:
            lines = more.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{more}: not a UTF-8 text file with one sentence per line: {error}") from error
        spoken.update(plain for line in lines if (plain := _plain_sentence(line)))
    return sorted(spoken - withheld)


def _plain_sentence(text: str) -> str:
    """Lower-case words of letters and apostrophes, 20 to 170 characters, or nothing."""
    text = re.sub(r"[-—]", " ", text.lower().replace("’", "'"))
    plain = " ".join(re.sub(r"[.,;:!?\"“”()]", " ", text).split())
    return plain if re.fullmatch(r"[a-z' ]{20,170}", plain) else ""


def _tenth(name: str) -> bool:
    return blake2b(name.encode(), digest_size=8).digest()[0] % 10 == 0
