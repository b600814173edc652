"""One aligned recording: its words with their times, and the files that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recordings import DEFAULT_LANGUAGE
from prep_corpus.align.transcripts.pieces import Cue
from prep_corpus.align.words.aligned_text import AlignedText
from prep_corpus.align.words.annotated import to_eaf, to_json
from prep_corpus.align.words.captions import Caption, captions, to_srt, to_vtt
from prep_corpus.align.words.timed_words import TimedWord, timed_words, word_scores
from prep_corpus.align.words.words import to_ctm, to_textgrid


@dataclass(frozen=True, kw_only=True)
class AlignedWord:
    """One word of a transcript, and when it is said.

    Attributes:
        text: the word as the transcript writes it, with its punctuation; empty for the later words of what is
            written once and said in several words ("25").
        spoken: the word in the model's alphabet.
        start_seconds: time of its first sound.
        end_seconds: time at which it ends; equal to the start where it is not said.
        score: how well the audio agrees, 0 to 1: over the word's frames, the geometric mean of the probability of the
            aligned symbol divided by that of the likeliest symbol. 0 where it is not said.
        is_said: whether the audio holds the word; if not, the alignment has left it out.
        char_start: first character in the plain text of the transcript.
        char_end: character after its last.
        speaker: who says it, where the transcript names someone.
    """

    text: str
    spoken: str
    start_seconds: float
    end_seconds: float
    score: float
    is_said: bool
    char_start: int
    char_end: int
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class AlignedFile:
    """One recording, aligned with its text.

    Attributes:
        words: the words of the transcript in order, those that are not said among them.
        untranscribed: (start, end) in seconds of speech that the transcript does not have.
        duration_seconds: length of the recording.
        version: place of the transcript that was used, among those that were given.
        name: what messages and the CTM call the recording.
        info: the model that was used.
        aligned: the alignment in frames and tokens, with the evidence for each word.
        speakers: the speakers whom the transcript names.
        cues: of the transcript, with its own times.
        audio: path of the audio file, or what an open one calls itself.
        language: of the transcript.
    """

    words: tuple[AlignedWord, ...]
    untranscribed: tuple[tuple[float, float], ...]
    duration_seconds: float
    version: int
    name: str
    info: ModelInfo = field(repr=False)
    aligned: AlignedText = field(repr=False)
    speakers: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = field(default=(), repr=False)
    audio: str = "audio"
    language: str = DEFAULT_LANGUAGE

    def captions(self, *, original_lines: bool = False) -> list[Caption]:
        """The transcript's cues at the times at which they are said, or new ones where it has none.

        Args:
            original_lines: show the whole text of each cue, in its lines; else what is said of it, on one line.
        """
        return captions(
            self.aligned.words,
            self.aligned.normalized,
            self.cues,
            frame_seconds=self.info.frame_seconds,
            speakers=self.speakers,
            original_lines=original_lines,
        )

    def to_srt(self, *, original_lines: bool = False) -> str:
        """The captions as SubRip."""
        return to_srt(self.captions(original_lines=original_lines))

    def to_vtt(self, *, original_lines: bool = False) -> str:
        """The captions as WebVTT, with the names of the speakers."""
        return to_vtt(self.captions(original_lines=original_lines))

    def to_json(self, *, original_lines: bool = False) -> str:
        """The captions with their words, times, scores and speakers, as openai-whisper and WhisperX write them."""
        return to_json(
            self.captions(original_lines=original_lines),
            self._words_of,
            self.untranscribed,
            name=self.name,
            language=self.language,
            duration_seconds=self.duration_seconds,
        )

    def to_eaf(self, *, original_lines: bool = False) -> str:
        """The captions as an ELAN document: a tier per speaker, and one of its words."""
        return to_eaf(
            self.captions(original_lines=original_lines),
            self._words_of,
            self.untranscribed,
            audio_uri=self.audio,
        )

    def _words_of(self, caption: Caption) -> list[TimedWord]:
        return timed_words(
            self.aligned.words,
            self.aligned.normalized,
            caption.words,
            word_scores(self.aligned.evidence_WF),
            frame_seconds=self.info.frame_seconds,
            speakers=self.speakers,
        )

    def to_ctm(self) -> str:
        """The words that are said as a CTM file: recording, channel, start, duration, word."""
        return to_ctm(
            self.aligned.words,
            self.aligned.normalized,
            recording_id=self.name,
            frame_seconds=self.info.frame_seconds,
            speakers=self.speakers,
        )

    def to_textgrid(self) -> str:
        """A Praat TextGrid: words, words that are not said, and speech without text."""
        return to_textgrid(
            self.aligned.words,
            self.aligned.normalized,
            self.aligned.alignment.untranscribed,
            frame_seconds=self.info.frame_seconds,
            duration_seconds=self.duration_seconds,
            speakers=self.speakers,
        )
