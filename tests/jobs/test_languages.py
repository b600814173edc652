"""One run in several languages: each has its model, filter, ledger and shards, and the same bytes a second time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import toy
from support.checkpoints import tiny_mms
from support.places import SUPPORT
from support.runs import outcome, shards

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.cutting_settings import is_one_model, models_by_language
from prep_corpus.jobs.languages import config_of_part, parts_of
from prep_corpus.jobs.start.early import check_values

MODELS = """from toy import ToneModel


def of(language):
    def make(device="cpu"):
        model = ToneModel()
        model.digest = f"toy-{language}"
        return model.to(device)

    return make


german, english, french = of("german"), of("english"), of("french")
"""
TAGS = ("de-AT", "en", "fr", "de", "en", "fr")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("languages")
    (folder / "toy_languages.py").write_text(MODELS)
    fitted = json.loads(toy.write_filter(folder / "filter.json").read_text())
    for language in ("german", "english", "french"):
        (folder / f"{language}.json").write_text(json.dumps({**fitted, "model_digest": f"toy-{language}"}))
    manifest = toy.write_corpus(folder, recordings=len(TAGS), sentences=5)
    lines = [{**json.loads(line), "lang": tag} for line, tag in zip(manifest.read_text().splitlines(), TAGS)]
    lines.append({"audio_filepath": "talk0.flac", "text": "what", "id": "odd", "lang": "xx"})
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return manifest


def run(corpus: Path, out: Path, *words: str, models: tuple[str, ...] = ("de", "en", "fr")) -> Result:
    names = {"de": "german", "en": "english", "fr": "french"}
    given = [word for tag in models for word in ("--model", f"{tag}=toy_languages:{names[tag]}")]
    filters = ",".join(f"{tag}={corpus.parent / names[tag]}.json" for tag in models)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        patch.syspath_prepend(str(corpus.parent))
        words = (*given, "--filter", filters, "--max-failed", "0.5", "--no-report", "--device", "cpu", *words)
        return CliRunner().invoke(main, ["run", str(corpus), "--out", str(out), *words])


def test_each_language_has_its_model_filter_ledger_and_shards(corpus: Path, tmp_path: Path) -> None:
    done = run(corpus, tmp_path / "one")
    assert done.exit_code == 0, done.output
    listed = json.loads((tmp_path / "one" / "languages.json").read_text())
    assert [(part["folder"], part["languages"], part["recordings"]) for part in listed] == [
        ("de", ["de", "de-AT"], 2),
        ("en", ["en"], 2),
        ("fr", ["fr"], 2),
    ]
    for part, language in zip(listed, ("german", "english", "french")):
        folder = tmp_path / "one" / part["folder"]
        published = json.loads((folder / "manifest.json").read_text())
        assert published["model_digest"] == f"toy-{language}"
        assert outcome(folder)["ledgers"]["counts"]["recordings"] >= 2
        assert part["utterances"] > 0
    # An entry of a language that there is not is rejected once, in the first part.
    letters = [(tmp_path / "one" / tag / "dead-letters.jsonl").read_text() for tag in ("de", "en", "fr")]
    assert "it is 'xx'" in letters[0]
    assert letters[1:] == ["", ""]

    for command in ("status", "check", "settings", "report"):
        refused = CliRunner().invoke(main, [command, str(tmp_path / "one")])
        assert refused.exit_code == 2
        assert f"name {tmp_path}/one/de or {tmp_path}/one/en or {tmp_path}/one/fr" in refused.output

    again = run(corpus, tmp_path / "two")
    assert again.exit_code == 0, again.output
    for tag in ("de", "en", "fr"):
        assert shards(tmp_path / "one" / tag) == shards(tmp_path / "two" / tag)
    assert shards(tmp_path / "one" / "de") != shards(tmp_path / "one" / "en")


def test_a_language_without_a_model_is_refused_before_anything_is_written(
    corpus: Path, tmp_path: Path
) -> None:
    done = run(corpus, tmp_path / "run", models=("de", "en"))
    assert done.exit_code == 2
    assert "fr (2 recordings) has none; there are models for de, en. Add --model fr=NAME" in done.output
    assert not (tmp_path / "run").exists()


def test_tags_find_their_models(corpus: Path) -> None:
    config = RunConfig(manifest=str(corpus), out="unused", model="deu=a,en=b,c")
    parts = parts_of(config)
    assert [(part.key, part.tags, part.model) for part in parts] == [
        ("others", ("fr",), "c"),
        ("deu", ("de", "de-AT"), "a"),
        ("en", ("en",), "b"),
    ]
    assert [part.tags for part in parts_of(replace(config, only_languages=("en",)))] == [("en",)]
    filtered = replace(config, read="all", filter="de=f,g", read_filter="en=r,de=s")
    own = [config_of_part(filtered, part, first=False) for part in parts_of(filtered)]
    assert [(one.filter, one.read_filter) for one in own] == [("g", None), ("f", "s"), ("g", "r")]
    with pytest.raises(
        UsageError, match=r"--read-filter fr=r: a filter by language needs the --model of its"
    ):
        parts_of(replace(config, read="all", read_filter="fr=r"))
    with pytest.raises(UsageError, match=r"--read-filter by language \(en=r\) goes with --model by language"):
        check_values(replace(config, model="english", read="all", read_filter="en=r"))
    assert models_by_language("facebook/mms-1b-all@deu") == {"": "facebook/mms-1b-all@deu"}
    assert is_one_model("english")
    assert not is_one_model("en=english")
    with pytest.raises(UsageError, match="en has two"):
        models_by_language("en=a,en=b")


def test_languages_of_a_model_with_adapters_are_chosen_by_the_manifest(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    letters = dict.fromkeys(("deu", "eng", "fra", "rus"), "abcdefghijklmnopqrstuvwxyz'")
    tiny_mms(tmp_path / "mms", letters)
    model = str(tmp_path / "mms")
    assert not is_one_model(model)
    parts = parts_of(RunConfig(manifest=str(corpus), out="unused", model=model))
    assert [(part.key, part.tags, part.model) for part in parts] == [
        ("deu", ("de", "de-AT"), f"{model}@deu"),
        ("eng", ("en",), f"{model}@eng"),
        ("fra", ("fr",), f"{model}@fra"),
    ]
    words = ("run", str(corpus), "--out", str(tmp_path / "run"), "--only-language", "fr", "--model", model)
    more = ("--filter", str(corpus.parent / "filter.json"), "--no-report", "--quiet", "--device", "cpu")
    done = CliRunner().invoke(main, [*words, *more])
    assert done.exit_code == 0, done.output
    assert outcome(tmp_path / "run" / "fra")["ledgers"]["counts"]["recordings"] == 2
