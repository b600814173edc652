"""An utterance holds one speaker, and the right one, whatever format names them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support import toy, turns
from support.corpora import DEV_CLEAN, join, read_corpus
from support.eager import created, eager
from support.toy_stages import graph_options
from support.turns import NAMED, WRITTEN, Said

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.model.emissions import Emitter, FloatArray, WindowOptions
from prep_corpus.align.model.models import ModelInfo, load_model
from prep_corpus.align.recordings import Recording
from prep_corpus.align.speakers.rttm import parse_rttm
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.transcripts.formats import format_of, parse
from prep_corpus.align.transcripts.versions import Version, version_of
from prep_corpus.align.words.captions import Caption, to_srt, to_vtt
from prep_corpus.align.words.words import to_textgrid
from prep_corpus.filters.linear import bundled_filter
from prep_corpus.jobs.runs.word_files import captions_of, words_json
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.stages.align import AlignedRecording, align_recording
from prep_corpus.pipeline.stages.cut_recording import (
    SegmentedRecording,
    SegmentOptions,
    account,
    segment_recording,
)
from prep_corpus.pipeline.stages.emit import EmittedRecording
from prep_corpus.pipeline.stages.plan import Plan, PlanOptions
from prep_corpus.pipeline.stages.segment_rows import segment_row
from prep_corpus.pipeline.storage.stage_store import Store

RTTM = "plain text and RTTM"
NAMES = ("ann", "bob", "cid", "dora")
FORMATS = (*NAMED, RTTM)


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation, and what the model says of it."""

    said: Sequence[Said]
    emitted: EmittedRecording
    info: ModelInfo
    options: SegmentOptions

    def cut(
        self, kind: str, said: Sequence[Said] | None = None
    ) -> tuple[AlignedRecording, SegmentedRecording]:
        """The recording with its transcript in a format."""
        said = self.said if said is None else said
        if kind == RTTM:
            version = Version(text=turns.plain(said))
            speaker_spans = parse_rttm(turns.rttm(said).encode(), name="talk.rttm")
        else:
            content = WRITTEN[kind](said)
            name = f"talk{kind}"
            version = version_of(parse(content, name=name), name=name, kind=format_of(name, content))
            speaker_spans = ()
        recording = Recording(
            id="talk",
            audio_uri="talk.wav",
            text=version.text,
            source=version.source,
            speaker="all",
            speaker_spans=speaker_spans,
        )
        probed = ProbedRecording(recording=recording, fingerprint="", seconds=0.0)
        aligned = align_recording(probed, self.emitted, self.info, self.options.text)
        return aligned, segment_recording(aligned, self.emitted, self.info, self.options, 15)


def talk_of(model: str, samples: FloatArray, said: Sequence[Said], options: SegmentOptions) -> Talk:
    loaded = load_model(model)
    meter = LevelMeter(block_samples(loaded.info.sample_rate_hz))
    meter.add(samples)
    errors: list[Exception] = []
    emitter = Emitter[str](loaded, WindowOptions())
    [(_, log_probs_TC)] = emitter.emit([("talk", [samples])], lambda _, error: errors.append(error))
    assert not errors
    emitted = EmittedRecording(
        log_probs_TC=log_probs_TC,
        n_samples=len(samples),
        levels=Levels.of(meter.finish(), meter.block_samples),
    )
    return Talk(said=said, emitted=emitted, info=loaded.info, options=options)


@pytest.fixture(scope="module")
def toy_talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Twelve sentences, of whom each is said by another than the one before."""
    folder = tmp_path_factory.mktemp("talk")
    random = np.random.default_rng(0)
    pieces: list[FloatArray] = []
    said = []
    at = 0.0
    for number in range(12):
        words = " ".join(
            toy.WORDS[i] for i in random.integers(len(toy.WORDS), size=int(random.integers(4, 9)))
        )
        pause = np.zeros(int(random.uniform(0.1, 0.6) * toy.SAMPLE_RATE_HZ), np.float32)
        span = toy.say(words)
        start = at + len(pause) / toy.SAMPLE_RATE_HZ
        at = start + len(span) / toy.SAMPLE_RATE_HZ
        said.append(
            Said(
                start_seconds=start,
                end_seconds=at,
                speaker=NAMES[number * 3 % 4],
                text=words.capitalize() + ".",
            )
        )
        pieces += [pause, span]
    samples = np.concatenate([*pieces, np.zeros(toy.SAMPLE_RATE_HZ // 2, np.float32)])
    samples += random.normal(0, 1e-3, len(samples)).astype(np.float32)
    toy.write_filter(folder / "filter.json")
    options = replace(graph_options(folder, []).segment, min_seconds=0.5)
    return talk_of("support.toy:acoustic_model", samples, said, options)


def judged(talk: Talk, kind: str) -> tuple[int, int, int]:
    """Kept words, those of them with their speaker, and utterances with words of several."""
    aligned, cut = talk.cut(kind)
    ends = np.array([one.end_seconds for one in talk.said])
    kept = right = mixed = 0
    for segment in cut.cuts.segments:
        if segment.reason:
            continue
        speaker = segment_row(aligned, segment, talk.info)["speaker"]
        spoken = [w for first, last in segment.spoken_ranges() for w in range(first, last)]
        middles = (
            (aligned.words.frame_starts[spoken] + aligned.words.frame_ends[spoken])
            / 2
            * talk.info.frame_seconds
        )
        truth = [talk.said[min(int(turn), len(ends) - 1)].speaker for turn in np.searchsorted(ends, middles)]
        kept += len(spoken)
        right += sum(one == speaker.lower() for one in truth)
        mixed += len(set(truth)) > 1
    account(aligned, cut.cuts)
    return kept, right, mixed


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kept_word_has_its_speaker(toy_talk: Talk, kind: str) -> None:
    kept, right, mixed = judged(toy_talk, kind)
    words = sum(len(one.text.split()) for one in toy_talk.said)
    assert kept > 0.8 * words
    assert (right, mixed) == (kept, 0)


def test_words_said_while_another_speaks_have_a_reason_of_their_own(toy_talk: Talk) -> None:
    later = replace(toy_talk.said[4], end_seconds=toy_talk.said[5].end_seconds - 0.2)
    said = [*toy_talk.said[:4], later, *toy_talk.said[5:]]
    for kind in (".stm", RTTM):
        aligned, cut = toy_talk.cut(kind, said)
        ledgers = account(aligned, cut.cuts)
        assert ledgers.samples["dropped:overlapping-speech"] > toy.SAMPLE_RATE_HZ
        assert ledgers.characters["dropped:overlapping-speech"] > 20
        dropped = [s for s in cut.cuts.segments if s.reason == "overlapping-speech"]
        first = said[5].start_seconds * toy.SAMPLE_RATE_HZ
        assert all(s.sample_end > first - toy.SAMPLE_RATE_HZ for s in dropped)


def test_without_names_the_recordings_speaker_stays(toy_talk: Talk) -> None:
    content = turns.plain(toy_talk.said)
    recording = Recording(id="talk", audio_uri="talk.wav", text=content, speaker="all")
    probed = ProbedRecording(recording=recording, fingerprint="", seconds=0.0)
    aligned = align_recording(probed, toy_talk.emitted, toy_talk.info, TextOptions())
    assert (aligned.words.speakers, aligned.speakers, aligned.speaker_of(0, 5)) == (None, (), "all")


@pytest.mark.slow
def test_four_speakers_of_real_speech(shared_dir: Path) -> None:
    folder = shared_dir / "data" / DEV_CLEAN
    if not folder.is_dir():
        pytest.skip(f"no {DEV_CLEAN} in {shared_dir}")
    speakers = ("84", "1462", "2035", "652")
    by_speaker = [
        [one for one in read_corpus(folder, speakers=[name]) if 2 <= one.duration_seconds <= 20][:5]
        for name in speakers
    ]
    spoken = [one for turn in zip(*by_speaker) for one in turn]
    recording = join(spoken, recording_id="talk")
    said = [
        Said(
            start_seconds=placed.start_sample / recording.sample_rate_hz,
            end_seconds=placed.end_sample / recording.sample_rate_hz,
            speaker=NAMES[speakers.index(one.speaker)],
            text=" ".join(one.words).capitalize() + ".",
        )
        for one, placed in zip(spoken, recording.utterances)
    ]
    fitted = bundled_filter("english")
    point = fitted.point(0.05, cut="words")
    options = SegmentOptions(
        cut="words",
        filter=fitted,
        word_threshold=point.word_threshold,
        utterance_threshold=point.utterance_threshold,
        min_seconds=0.5,
        max_seconds=20.0,
        padding_seconds=0.2,
        text=TextOptions(),
        config_digest="",
    )
    talk = talk_of("english", recording.audio_N, said, options)
    found = {kind: judged(talk, kind) for kind in FORMATS}
    print(f"kept words, with their speaker, utterances of two: {found}")
    for kind, (kept, right, mixed) in found.items():
        assert kept > 0.4 * len(recording.words), kind
        assert right >= 0.99 * kept, kind
        assert mixed == 0, kind


def test_word_times_carry_the_speaker(toy_talk: Talk) -> None:
    aligned, _ = toy_talk.cut(RTTM)
    lines = [json.loads(line) for line in words_json(aligned, toy_talk.info).splitlines()]
    truth = [one.speaker for one in toy_talk.said for _ in one.text.split()]
    assert [line["speaker"] for line in lines if "word" in line] == truth
    grid = to_textgrid(
        aligned.words,
        aligned.normalized,
        (),
        frame_seconds=toy_talk.info.frame_seconds,
        duration_seconds=60.0,
        speakers=aligned.speakers,
    )
    again = parse(grid, name="talk.TextGrid")
    assert {turn.speaker for turn in again.turns} == set(NAMES)
    assert again.text.split() == " ".join(one.text for one in toy_talk.said).lower().replace(".", "").split()


@pytest.mark.parametrize(("kind", "written"), [(".vtt", to_vtt), (".srt", to_srt)])
def test_captions_that_are_late_and_drift_come_back_in_time(
    kind: str, written: Callable[[Sequence[Caption]], str], toy_talk: Talk
) -> None:
    late = [
        replace(one, start_seconds=3 + 1.02 * one.start_seconds, end_seconds=3 + 1.02 * one.end_seconds)
        for one in toy_talk.said
    ]
    aligned, _ = toy_talk.cut(kind, late)
    found = captions_of(aligned, toy_talk.info, original_lines=True)
    assert [one.text for one in found] == [one.text for one in toy_talk.said]
    if kind == ".vtt":
        assert [one.speaker for one in found] == [one.speaker for one in toy_talk.said]
    again = parse(written(found), name=f"talk{kind}")
    assert len(again.cues) == len(toy_talk.said)
    for shown, truth in zip(again.cues, toy_talk.said):
        assert abs(shown.start_seconds - truth.start_seconds) < 0.1
        assert abs(shown.end_seconds - truth.end_seconds) < 0.1


def test_splits_keep_speakers_and_recordings_whole(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    recordings = [(f"r{n}", (f"guest{n}", f"guest{n + 1 if n % 3 else n + 100}")) for n in range(60)]
    rows = [
        {"id": f"{recording}-{at}", "recording_id": recording, "speaker": speaker, "kept": True, "duration": 1.0,
         "clip_offset": 0, "clip_bytes": 100}
        for recording, speakers in recordings
        for at, speaker in enumerate((*speakers, "s1", None))
    ]  # fmt: skip
    half = len(rows) // 2
    refs = [
        store.write("segment", name, name, pa.Table.from_pylist(part))
        for name, part in (("a" * 32, rows[:half]), ("b" * 32, rows[half:]))
    ]
    options = PlanOptions(
        seed=1, order="shuffle", splits=(("train", 0.5), ("dev", 0.5)), split_by="auto", shard_bytes=10_000
    )
    found = eager(lambda pipeline: created(pipeline, S=refs)[0] | Plan(str(tmp_path), options))
    split_of = {ref.id: address[0] for address, group in found for ref in group}
    assert len(split_of) == len(rows)
    assert set(split_of.values()) == {"train", "dev"}
    for key in ("recording_id", "speaker"):
        together: dict[str, set[str]] = {}
        for row in rows:
            if row[key] not in (None, "s1"):
                together.setdefault(row[key], set()).add(split_of[row["id"]])
        assert {len(splits) for splits in together.values()} == {1}, key
