"""A text whose sections are read in another order goes through the stages as that in the right order does."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from support import toy
from support.toy_stages import K_FRAMES, MODEL, graph_options

from prep_corpus.align import Aligner
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import load_model
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.emit import emit_bundle
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck, check_bundle
from prep_corpus.pipeline.storage.stage_store import Store

SECTIONS = 3
ORDER = (2, 0, 1)
"""Which sections stand where in the shuffled text."""


def section(number: int) -> str:
    return toy.written(toy.recording(number, 12)[1], 100 + number)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recording with its text in the right order, and in another as plain text and as subtitles."""
    folder = tmp_path_factory.mktemp("sections")
    samples = np.concatenate([toy.recording(number, 12)[0] for number in range(SECTIONS)])
    soundfile.write(folder / "talk.flac", samples, toy.SAMPLE_RATE_HZ)
    texts = [section(number) for number in range(SECTIONS)]
    (folder / "right.txt").write_text("\n\n".join(texts))
    (folder / "plain.txt").write_text("\n\n".join(texts[number] for number in ORDER))
    cues = [(number, sentence) for number in ORDER for sentence in texts[number].split(". ")]
    (folder / "cues.srt").write_text(
        "".join(
            f"{at + 1}\n00:{at:02}:00,000 --> 00:{at:02}:09,000\n<i>{sentence}</i>\n\n"
            for at, (_, sentence) in enumerate(cues)
        )
    )
    names = ("right.txt", "plain.txt", "cues.srt")
    lines = [{"id": name, "audio_filepath": "talk.flac", "text_filepath": name} for name in names]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def kept_rows(segments: pa.Table, name: str) -> list[dict[str, object]]:
    return [row for row in segments.to_pylist() if row["recording_id"] == name and row["kept"]]


def test_the_stages_align_cut_and_tell_it(corpus: Path) -> None:
    toy.write_filter(corpus / "filter.json")
    store = Store(str(corpus / "work"))
    probed = list(
        probe_all(read_manifest(str(corpus / "manifest.jsonl")), FingerprintCache(str(corpus / "cache")))
    )
    assert not any(isinstance(one, DeadLetter) for one in probed)
    bundle = write_bundle(store, [one for one in probed if not isinstance(one, DeadLetter)])
    options = graph_options(corpus, [bundle.bundle])
    aligned = align_bundle(
        store, emit_bundle(store, bundle.bundle, load_model(MODEL), options.emit), options.segment.text, 1
    )
    stage = store.read(segment_bundle(store, aligned, options.segment, K_FRAMES, 1))

    right = kept_rows(stage.table, "right.txt")
    assert len(right) > 10
    for name in ("plain.txt", "cues.srt"):
        content = (corpus / name).read_text()
        rows = kept_rows(stage.table, name)
        same = {(row["start"], row["end"]) for row in rows} & {(row["start"], row["end"]) for row in right}
        assert len(same) >= len(right) - SECTIONS
        for row in rows:
            # No utterance lies in two sections, so that each is a span of the file.
            span = content[row["file_char_start"] : row["file_char_end"]]
            written = span.replace("<i>", "").replace("</i>", "")
            assert set(row["text_normalized"].split()) <= {
                word.strip(".").lower() for word in written.split()
            }
            assert len(span) < 400
        assert sum(len(row["text_normalized"]) for row in rows) > 0.97 * sum(
            len(row["text_normalized"]) for row in right
        )
    characters = Ledgers.from_json(stage.notes["ledgers"]).characters
    assert sum(count for reason, count in characters.items() if reason != "read") == characters["read"]

    checks = check_bundle(store, aligned, options.segment.text)
    assert checks is not None
    told = {
        check.recording_id: check
        for check in map(TranscriptCheck.from_json, store.read(checks).table["check"].to_pylist())
    }
    assert set(told) == {"plain.txt", "cues.srt"}
    for check in told.values():
        assert Path(check.transcript).name == check.recording_id
        assert check.sections == (2, 1)
        assert check.disagrees
        assert check.verdict.startswith("2 sections of it are read in the order 2, 1")


def test_captions_come_back_in_the_order_in_which_they_are_read(corpus: Path) -> None:
    found = Aligner(MODEL, device="cpu", threads=1).align(corpus / "talk.flac", corpus / "cues.srt")
    shown = found.captions()
    assert all(one.start_seconds < other.start_seconds for one, other in pairwise(shown))
    said = [sentence for number in range(SECTIONS) for sentence in section(number).split(". ")]
    positions = [said.index(one.text) for one in shown if one.text in said]
    assert len(positions) > 0.8 * len(shown)
    assert positions == sorted(positions)
