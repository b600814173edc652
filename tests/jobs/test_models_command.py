"""What `prep-corpus models` lists: of families that the tests load, in languages that there are."""

from __future__ import annotations

import json

from click.testing import CliRunner
from support.checkpoints import FAMILIES
from support.places import ROOT

from prep_corpus.align.language_tags import is_known
from prep_corpus.align.model.naming import BUNDLED_MODELS
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.public_models import PUBLIC_MODELS


def listed(*words: str) -> str:
    done = CliRunner().invoke(main, ["models", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_listed_checkpoint_is_of_a_family_that_is_loaded_in_the_tests() -> None:
    assert {model.family for model in PUBLIC_MODELS} <= set(FAMILIES)
    assert len({model.name for model in PUBLIC_MODELS}) == len(PUBLIC_MODELS)
    for model in PUBLIC_MODELS:
        assert model.languages == ("many",) or all(is_known(tag) for tag in model.languages)
        assert model.licence
        assert model.frame_ms % 20 == 0


def test_models_are_listed_by_language_with_what_one_must_know() -> None:
    everything = listed()
    assert all(name in everything for name in BUNDLED_MODELS)
    assert all(
        f"hf download {model.name} --local-dir {model.folder}" in everything for model in PUBLIC_MODELS
    )
    german = listed("--language", "de-AT")
    assert "wav2vec2-large-xlsr-53-german" in german
    assert "mms-1b-all" in german
    assert "CC-BY-NC-4.0" in german
    assert "parakeet" not in german
    assert "english\n" not in german
    assert CliRunner().invoke(main, ["models", "--language", "xx"]).exit_code == 2


def test_the_bundled_model_is_as_it_is_said_to_be() -> None:
    config = json.loads((ROOT / "align" / "model" / "english.json").read_text())
    frame_ms = 1000 * config["hop_samples"] * config["mel_frames_per_frame"] / config["sample_rate_hz"]
    assert f"{frame_ms:.0f} ms frames" in listed("--language", "en").split("\n")[1]
