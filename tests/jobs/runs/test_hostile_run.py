"""One manifest with everything that goes wrong in real corpora: nothing else is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import toy
from support.hostile import PROCESSED, SECRETS, HostileCorpus, Speech, write_hostile
from support.runs import cli


def speech(seed: int) -> Speech:
    samples, said = toy.recording(seed, 12)
    text = " ".join(" ".join(words).capitalize() + "." for words in said)
    return Speech(audio_N=samples, sample_rate_hz=toy.SAMPLE_RATE_HZ, text=text)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> HostileCorpus:
    return write_hostile(tmp_path_factory.mktemp("hostile") / "corpus", [speech(0), speech(1)])


@pytest.fixture(scope="module")
def out(corpus: HostileCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "run"
    fitted = str(toy.write_filter(out.parent / "filter.json"))
    model = ("--model", "toy:acoustic_model", "--filter", fitted)
    log = ("--verbose", "--log-file", str(out.parent / "log"))
    cli("run", str(corpus.manifest), "--out", str(out), *model, *log)
    return out


def test_every_entry_ends_as_processed_or_as_a_dead_letter_that_names_it_and_the_rule(
    corpus: HostileCorpus, out: Path
) -> None:
    letters = [json.loads(line) for line in (out / "dead-letters.jsonl").read_text().splitlines()]
    found = sorted((letter["recording_id"], letter["reason"]) for letter in letters)
    bad = [entry for entry in corpus.entries if entry.outcome != PROCESSED]
    assert found == sorted((entry.recording_id, entry.outcome) for entry in bad)
    for letter in letters:
        assert letter["recording_id"] in letter["message"], letter
        assert len(letter["message"]) > len(letter["recording_id"]) + 20, letter
    outcome = json.loads((out / "outcome.json").read_text())
    assert outcome["entries"] == len(corpus.entries) > 1000
    assert outcome["failed"] == len(bad)


def test_the_good_ones_beside_them_keep_their_words(corpus: HostileCorpus, out: Path) -> None:
    import pyarrow.parquet as pq

    rows = [row for path in (out / "data").iterdir() for row in pq.read_table(path).to_pylist()]
    by_recording: dict[str, int] = {}
    for row in rows:
        by_recording[row["recording_id"]] = by_recording.get(row["recording_id"], 0) + row["words"]
    for entry in corpus.entries:
        if entry.case == "good":
            assert by_recording[entry.recording_id] > 20, entry


def test_the_ledgers_add_up(out: Path) -> None:
    ledgers = json.loads((out / "outcome.json").read_text())["ledgers"]
    for name, total in (("samples", "decoded"), ("characters", "read")):
        entries = ledgers[name]
        assert entries.pop(total) == sum(entries.values()) > 0


def test_nothing_is_written_outside_the_run_folder(corpus: HostileCorpus, out: Path) -> None:
    assert sorted(path.name for path in out.parent.iterdir()) == ["filter.json", "log", "run"]


def test_no_file_of_the_run_holds_a_user_name_or_a_password_of_the_manifest(
    corpus: HostileCorpus, out: Path
) -> None:
    def held(path: Path) -> str:
        if path.suffix == ".parquet":
            # Its pages are compressed.
            import pyarrow.parquet as pq

            table = pq.read_table(path).flatten()
            texts = [field.name for field in table.schema if "string" in str(field.type)]
            return str(table.schema) + str(table.select(texts).to_pylist())
        # In the sound of a report's examples any four letters stand by chance.
        return re.sub("[A-Za-z0-9+/=]{1000,}", "", path.read_bytes().decode("latin-1"))

    manifest = held(corpus.manifest)
    assert [secret in manifest for secret in SECRETS] == [True] * 3
    written = [path for path in out.parent.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".parquet", ".jsonl", ".json", ".html", ""}
    leaking = [path for path in written if any(secret in held(path).lower() for secret in SECRETS)]
    assert leaking == []


def test_a_truncated_file_counts_what_was_decoded_of_it(out: Path) -> None:
    letters = [json.loads(line) for line in (out / "dead-letters.jsonl").read_text().splitlines()]
    (truncated,) = [letter for letter in letters if letter["recording_id"] == "audio/truncated"]
    assert truncated["decoded_samples"] > 0
    assert truncated["read_characters"] > 0


def test_the_report_lists_all_of_them(corpus: HostileCorpus, out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.partition('id="payload">')[2].partition("</script>")[0])
    bad = [entry for entry in corpus.entries if entry.outcome != PROCESSED]
    assert sorted((letter[0], letter[2]) for letter in data["letters"]) == sorted(
        (entry.recording_id, entry.outcome) for entry in bad
    )
    assert data["recordingsTotal"] == len(corpus.processed)
