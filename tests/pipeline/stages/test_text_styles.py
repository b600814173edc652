"""What the column `text` holds in each style, beside the ledger and the place in the transcript."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import soundfile
from support import toy
from support.toy_stages import K_FRAMES, MODEL, graph_options

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import load_model
from prep_corpus.align.text.styles import TEXT_STYLES
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.emit import emit_bundle
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

MARKS = ["[1]\n", "日本語。\n", "\u00ad¶ ", "\n\n", "(2) "]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, GraphOptions, StageRef]:
    """A recording whose transcript holds marks between its sentences: the text, the options, its alignments."""
    folder = tmp_path_factory.mktemp("marked")
    samples, said = toy.recording(3, 6)
    soundfile.write(folder / "talk.flac", samples, toy.SAMPLE_RATE_HZ)
    text = "".join(
        " ".join(words).capitalize().replace(" ", "\n", 1) + ". " + MARKS[number % len(MARKS)]
        for number, words in enumerate(said)
    )
    (folder / "manifest.jsonl").write_text(json.dumps({"audio_filepath": "talk.flac", "text": text}))
    toy.write_filter(folder / "filter.json")
    (probed,) = probe_all(
        read_manifest(str(folder / "manifest.jsonl")), FingerprintCache(str(folder / "cache.json"))
    )
    assert not isinstance(probed, DeadLetter)
    store = Store(str(folder / "work"))
    digest = write_bundle(store, [probed]).bundle
    options = graph_options(folder, [digest])
    aligned = align_bundle(
        store, emit_bundle(store, digest, load_model(MODEL), options.emit), options.segment.text, 1
    )
    return text, options, aligned


def segments(
    marked: tuple[str, GraphOptions, StageRef], style: str
) -> tuple[StageRef, list[dict[str, Any]], Ledgers]:
    """The rows that are kept, and where the transcript's characters went."""
    _, options, aligned = marked
    store = Store(options.work)
    ref = segment_bundle(store, aligned, replace(options.segment, text_style=style), K_FRAMES, 1)
    stage = store.read(ref)
    return (
        ref,
        [row for row in stage.table.to_pylist() if row["kept"]],
        Ledgers.from_json(stage.notes["ledgers"]),
    )


def letters(text: str) -> str:
    return "".join(text.split())


def test_text_normalized_text_characters_and_ledger_agree(marked: tuple[str, GraphOptions, StageRef]) -> None:
    text = marked[0]
    _, rows, ledgers = segments(marked, "clean")
    assert len(rows) > 3
    for row in rows:
        assert not set(row["text"]) & set("[]()¶\n\u00ad日本語。")
        assert row["text"].lower().replace(".", "") == row["text_normalized"]
        assert row["characters"] == len(letters(row["text_normalized"]))
        assert row["words"] == len(row["text"].split())
    for mark, place in (
        ("[1]", "unspoken"),
        ("日本語。", "unsayable"),
        ("\u00ad", "stripped"),
        ("¶", "stripped"),
    ):
        assert ledgers.characters[place] >= text.count(mark) * len(mark)
    printed = sum(len(letters(row["text"])) for row in rows)
    assert printed <= ledgers.characters["kept"] <= printed + sum(c.isspace() for c in text)


@pytest.mark.parametrize("style", TEXT_STYLES)
def test_a_style_changes_the_text_and_nothing_else(
    marked: tuple[str, GraphOptions, StageRef], style: str
) -> None:
    clean, written = segments(marked, "clean"), segments(marked, style)
    assert (written[0].digest == clean[0].digest) is (style == "clean")
    assert written[2] == clean[2]
    # The text is inside the clips' file, whose records move with it.
    moved = {"text": "", "clip_offset": 0, "clip_bytes": 0}
    assert [{**row, **moved} for row in written[1]] == [{**row, **moved} for row in clean[1]]
    for row in written[1]:
        if style == "written":
            assert row["text"] == marked[0][row["char_start"] : row["char_end"]]
        if style == "normalized":
            assert row["text"] == row["text_normalized"]
    if style == "written":
        assert any("\n" in row["text"] for row in written[1])


def test_a_style_leaves_the_identity_of_cuts_alone(marked: tuple[str, GraphOptions, StageRef]) -> None:
    options = marked[1].segment
    written = replace(options, text_style="written")
    assert written.identity() == options.identity()
    assert (options.row_identity(), written.row_identity()) == ([], ["written"])
