"""Checkpoints of the families that AutoModelForCTC loads: described by their own outputs, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch
from click.testing import CliRunner
from support import toy
from support.checkpoints import (
    FAMILIES,
    NEEDS,
    VOCABULARY,
    tiny_mms,
    tiny_wav2vec2_bert,
    tiny_waveform_model,
)

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import LoadedModel, ModelInfo, load_model
from prep_corpus.align.text.normalize import normalize
from prep_corpus.align.text.spelling import LETTERS
from prep_corpus.jobs.cli import main

pytest.importorskip("transformers")


AUDIO_SECONDS = 6
TEXT = "The cat sat. The hat! A chest..."


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recording whose words every family can spell."""
    folder = tmp_path_factory.mktemp("corpus")
    samples = np.random.default_rng(0).normal(0, 0.05, AUDIO_SECONDS * 16_000)
    samples[32_000:48_000] *= 0.01
    soundfile.write(folder / "talk.flac", samples, 16_000)
    (folder / "manifest.jsonl").write_text(json.dumps({"audio_filepath": "talk.flac", "text": TEXT}) + "\n")
    fitted = json.loads(toy.write_filter(folder / "filter.json").read_text())
    # Random models hear nothing: what is judged is that every stage is passed, so that all is kept.
    for level in (fitted["word"], fitted["words"]["utterance"], fitted["paper"]["utterance"]):
        level["intercept"] = 1e6
    (folder / "filter.json").write_text(json.dumps(fitted))
    return folder / "manifest.jsonl"


def frames_off(model: LoadedModel) -> float:
    """How many frames clicks land away from their own, in the median.

    What clicks move wherever they are is left out: random attention and normalisation spread them over all frames.
    """
    stride = model.info.stride_samples
    places = np.arange(7_000, 42_000, 3_517)
    quiet_1N = 0.02 * torch.randn(1, 48_000, generator=torch.Generator().manual_seed(1))
    rows_BN = quiet_1N.repeat(1 + len(places), 1)
    for row, place in enumerate(places, start=1):
        rows_BN[row, place : place + 60] += 0.6
    with torch.inference_mode():
        heard_BTC = model.run(rows_BN)
    moved_KT = (heard_BTC[1:] - heard_BTC[:1]).abs().sum(2)
    moved_KT -= moved_KT.median(0).values
    return float(np.median(np.abs(moved_KT.argmax(1).numpy() - places // stride)))


def test_the_families_are_all_that_transformers_loads() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CTC_MAPPING_NAMES

    assert set(MODEL_FOR_CTC_MAPPING_NAMES) == set(FAMILIES)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_is_described_by_its_outputs_and_runs_from_manifest_to_shards(
    family: str, manifest: Path, tmp_path: Path
) -> None:
    if family in NEEDS:
        pytest.importorskip(NEEDS[family])
    expected = FAMILIES[family](tmp_path / "checkpoint")
    model = load_model(str(tmp_path / "checkpoint"))
    info = model.info
    assert info.vocabulary == expected.vocabulary
    assert (info.stride_samples, info.blank) == (expected.stride_samples, expected.blank)
    assert (info.word_delimiter, bool(info.tokenizer)) == (
        expected.word_delimiter,
        expected.word_delimiter is None,
    )
    assert frames_off(model) <= 1
    spelled = info.spell(normalize("The cat", alphabet=info.alphabet))
    text = "".join(info.vocabulary[token] for token in spelled.tokens_L).lower()
    assert text.replace("|", "\u2581").removeprefix("\u2581") == "the\u2581cat"

    rows = rows_of_a_run(manifest, tmp_path)
    assert rows
    assert {row["recording_id"] for row in rows} == {"talk"}


def rows_of_a_run(manifest: Path, folder: Path) -> list[dict[str, Any]]:
    """What a run with the checkpoint in a folder publishes, no recording failed and every word accounted for."""
    words = ("run", str(manifest), "--out", str(folder / "run"), "--quiet", "--no-report", "--device", "cpu")
    chosen = ("--cut", "paper", "--model", str(folder / "checkpoint"))
    filter_file = manifest.parent / "filter.json"
    done = CliRunner().invoke(main, [*words, *chosen, "--filter", str(filter_file)])
    assert done.exit_code == 0, done.output + repr(done.exception)
    outcome = json.loads((folder / "run" / "outcome.json").read_text())
    counts = outcome["ledgers"]["counts"]
    assert (counts["recordings"], counts["words"], outcome["failed"]) == (1, len(TEXT.split()), 0)
    return [row for shard in (folder / "run").glob("data/*") for row in pq.read_table(shard).to_pylist()]


def test_another_blank_is_found_where_it_wins_and_letters_are_none(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path / "other", blank="<unk>")
    assert load_model(str(tmp_path / "other")).info.blank == VOCABULARY.index("<unk>")
    tiny_waveform_model("wav2vec2", tmp_path / "letter", blank="E")
    with pytest.raises(
        UsageError, match=r"its blank must win where nobody speaks; stated is '<pad>'.*'E' wins"
    ):
        load_model(str(tmp_path / "letter"))


def test_another_space_is_found_and_none_is_refused(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path / "mark", delimiter="▁")
    assert load_model(str(tmp_path / "mark")).info.word_delimiter == "▁"
    tiny_waveform_model("wav2vec2", tmp_path / "none", delimiter="<s2>")
    with pytest.raises(UsageError, match="a language with spaces needs a symbol between words"):
        load_model(str(tmp_path / "none"))


def test_letters_alone_are_parted_by_the_words_of_the_text(manifest: Path, tmp_path: Path) -> None:
    """As the checkpoints have it that align romanised texts of a thousand languages: no delimiter, and a star."""
    tiny_waveform_model("wav2vec2", tmp_path / "checkpoint", delimiter="*")
    info = load_model(str(tmp_path / "checkpoint")).info
    assert (info.word_delimiter, info.tokenizer, info.has_spaces) == (None, LETTERS, True)
    assert info.alphabet == frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
    assert ModelInfo.from_notes(info.to_notes()) == info
    rows = rows_of_a_run(manifest, tmp_path)
    assert {row["recording_id"] for row in rows} == {"talk"}
    assert all(" " in row["text_normalized"] for row in rows if row["words"] > 1)


ALPHABETS = {
    "eng": "abcdefghijklmnopqrstuvwxyz'",
    "deu": "abcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00fc\u00df",
    "rus": "\u0430\u0431\u0432\u0433\u0434",
}


def test_a_language_of_a_model_with_adapters_is_named(tmp_path: Path) -> None:
    tiny_mms(tmp_path, ALPHABETS)
    infos = {language: load_model(f"{tmp_path}@{language}").info for language in ALPHABETS}
    for language, letters in ALPHABETS.items():
        assert infos[language].vocabulary[5:] == tuple(letters)
        assert (infos[language].blank, infos[language].word_delimiter) == (0, "|")
    assert len({info.digest for info in infos.values()}) == len(ALPHABETS)
    with pytest.raises(UsageError, match=r"a vocabulary for each of 3 languages; name one, such as .*@eng"):
        load_model(str(tmp_path))
    with pytest.raises(UsageError, match="must be one of its 3: deu, eng, rus"):
        load_model(f"{tmp_path}@fra")
    # A vocabulary by language without adapters is no model of any.
    plain = tmp_path / "plain"
    tiny_waveform_model("wav2vec2", plain)
    own = json.loads((plain / "vocab.json").read_text())
    (plain / "vocab.json").write_text(json.dumps({"eng": own, "deu": own}))
    with pytest.raises(UsageError, match="name one, such as"):
        load_model(str(plain))


def test_an_adapter_that_joins_frames_is_measured(tmp_path: Path) -> None:
    tiny_wav2vec2_bert(tmp_path, add_adapter=True)
    assert load_model(str(tmp_path)).info.stride_samples == 640
