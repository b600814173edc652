from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.planted_run import sample_rows, write_run, write_shard
from support.sample_rows import flac, make_row, samples_of

from prep_corpus.pipeline.reading.check import CheckReport, check_run
from prep_corpus.pipeline.shards.manifest import seal_of
from prep_corpus.pipeline.shards.rows import Utterance
from prep_corpus.pipeline.shards.sinks import FORMATS

TRAIN, DEV = (
    sample_rows(18),
    [make_row(n, recording="d", speaker="dev", samples=2000 + n) for n in range(100, 104)],
)


def _rows(*changes: tuple[int, dict[str, object]]) -> list[Utterance]:
    """Rows with recordings, speakers and positions of their own, some of them changed."""
    changed = dict(changes)
    return [
        make_row(
            number,
            samples=1600 + number,
            recording=f"r{number}",
            speaker=f"s{number}",
            **changed.get(number, {}),
        )
        for number in range(6)
    ]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train = [make_row(n, samples=1600 + 7 * n, recording=f"r{n // 3}", speaker=None) for n in range(18)]
    return write_run(folder, {"train": [train[:10], train[10:]], "dev": [DEV]}).parent


@pytest.fixture
def run(whole_run: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole_run, tmp_path / "run"))


def _slugs(report: CheckReport) -> list[str]:
    return [problem.slug for problem in report.problems]


def _check(folder: Path, rows: Sequence[Utterance], dev: Sequence[Utterance] = ()) -> CheckReport:
    splits = {"train": [rows], **({"dev": [dev]} if dev else {})}
    write_run(folder, splits, formats=["parquet"])
    return check_run(str(folder))


def test_a_good_run_has_no_problems(whole_run: Path) -> None:
    report = check_run(str(whole_run))
    assert report.problems == ()
    assert report.utterances == 22
    assert report.shards == 3 * 5
    assert report.seconds == pytest.approx(
        sum(1600 + 7 * n for n in range(18)) / 16000 + sum(row.duration for row in DEV)
    )


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux alone")
def test_checking_leaves_no_thread_behind(whole_run: Path) -> None:
    code = (
        "import os, sys; from prep_corpus.pipeline.reading.check import check_run\n"
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "before = threads(); report = check_run(sys.argv[1]); print(report.utterances, threads() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(whole_run)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["22", "0"]


def test_a_run_without_a_manifest_is_not_finished(tmp_path: Path) -> None:
    assert _slugs(check_run(str(tmp_path))) == ["manifest-invalid"]
    (tmp_path / "manifest.json").write_text("{")
    assert _slugs(check_run(str(tmp_path))) == ["manifest-invalid"]


@pytest.mark.parametrize(
    "path",
    [
        "data/train-00001-of-00002.parquet",
        "tfrecord/train.tfrecord-00001-of-00002",
        "webdataset/train-000001.tar",
        "shar/train/cuts.000001.jsonl.gz",
        "shar/train/recording.000001.tar",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "corrupt", "stale", "beside"])
def test_each_damage_to_each_format_is_named(run: Path, path: str, damage: str) -> None:
    shard = run / path
    content = shard.read_bytes()
    expected = path
    if damage == "missing":
        shard.unlink()
    elif damage == "truncated":
        shard.write_bytes(content[: len(content) * 2 // 3])
    elif damage == "corrupt":
        middle = len(content) // 2
        shard.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
    elif damage == "stale":
        before = {name: (run / name).read_bytes() for name in _paths(run) if name != path}
        write_shard(run, "train", 1, 2, sample_rows(4, 200))
        for name, unchanged in before.items():
            (run / name).write_bytes(unchanged)
    else:
        expected = path.replace("00001", "00009")
        shutil.copy(shard, run / expected)
    problems = check_run(str(run)).problems
    slug = "shard-stale" if damage == "beside" else f"shard-{damage}"
    assert [(problem.slug, problem.where) for problem in problems] == [(slug, expected)]


def _paths(run: Path) -> list[str]:
    formats = json.loads((run / "manifest.json").read_text())["formats"]
    return [entry["path"] for entries in formats.values() for entry in entries]


def _write_sealed(run: Path, document: dict[str, Any]) -> None:
    (run / "manifest.json").write_text(json.dumps({**document, "seal": seal_of(document)}))


def test_a_manifest_that_is_not_what_was_written_is_named_before_what_comes_of_it(run: Path) -> None:
    document = json.loads((run / "manifest.json").read_text())
    document["formats"]["parquet"][0]["path"] = document["formats"]["parquet"][0]["path"].upper()
    (run / "manifest.json").write_text(json.dumps(document))
    slugs = _slugs(check_run(str(run)))
    assert slugs[0] == "manifest-invalid"
    assert set(slugs[1:]) == {"shard-stale", "shard-missing"}


def test_a_wrong_count_is_named(run: Path) -> None:
    document = json.loads((run / "manifest.json").read_text())
    for shard_format in FORMATS:
        for entry in document["formats"][shard_format]:
            if entry["split"] == "dev":
                entry["utterances"] = 5
    _write_sealed(run, document)
    report = check_run(str(run))
    assert set(_slugs(report)) == {"count-mismatch"}
    assert any("5 utterances" in problem.message for problem in report.problems)


def test_formats_that_contradict_each_other_are_named(run: Path) -> None:
    document = json.loads((run / "manifest.json").read_text())
    document["formats"]["webdataset"][0]["utterances"] += 1
    (run / "manifest.json").write_text(json.dumps(document))
    assert "manifest-invalid" in _slugs(check_run(str(run)))


def test_formats_with_other_utterances_are_named(tmp_path: Path) -> None:
    rows = _rows()
    write_run(tmp_path, {"train": [rows]}, formats=["parquet", "webdataset"])
    other = write_shard(tmp_path, "train", 0, 1, rows[::-1], ["webdataset"])[0]
    document = json.loads((tmp_path / "manifest.json").read_text())
    document["formats"]["webdataset"][0].update(bytes=other.n_bytes, blake2b=other.digest)
    _write_sealed(tmp_path, document)
    report = check_run(str(tmp_path))
    assert _slugs(report) == ["formats-differ"]


def test_audio_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    report = _check(tmp_path, _rows((2, {"audio": b"not a FLAC file"})))
    assert _slugs(report) == ["audio-undecodable"]
    assert report.problems[0].where.startswith("r2-")
    assert _slugs(check_run(str(tmp_path), decode=False)) == []


def test_audio_of_another_length_is_named(tmp_path: Path) -> None:
    assert _slugs(_check(tmp_path, _rows((2, {"audio": flac(samples_of(77, 1000))})))) == [
        "duration-mismatch"
    ]


def test_seconds_that_contradict_the_samples_are_named(tmp_path: Path) -> None:
    assert _slugs(_check(tmp_path, _rows((2, {"duration": 9.0})))) == ["duration-mismatch"]


def test_impossible_speaking_rates_are_named(tmp_path: Path) -> None:
    report = _check(tmp_path, _rows((2, {"text_normalized": "a" * 50}), (3, {"text_normalized": ""})))
    assert _slugs(report) == ["rate-impossible", "text-empty", "rate-impossible"]


def test_duplicates_are_named(tmp_path: Path) -> None:
    rows = _rows()
    report = _check(tmp_path, [*rows, rows[1]])
    assert _slugs(report) == ["duplicate-id", "duplicate-audio"]
    assert {problem.where for problem in report.problems} == {"r1 [160000, 161601)"}
    report = _check(tmp_path, _rows((2, {"audio": flac(samples_of(3, 1602))}), (3, {})))
    assert _slugs(report) == []
    same = make_row(9, samples=1601, recording="r9", speaker="s9", audio=rows[1].audio)
    (problem,) = _check(tmp_path, [*rows, same]).problems
    assert (problem.slug, problem.where) == ("duplicate-audio", "r1 [160000, 161601)")
    assert problem.message == "audio must be unique: this one is also that of r9 [160000, 161601)"
    many = [
        make_row(20 + n, samples=1601, recording=f"q{n}", speaker="s9", audio=rows[1].audio) for n in range(6)
    ]
    (problem,) = _check(tmp_path, [*rows, *many]).problems
    named = ", ".join(f"q{n} [{n * 160000}, {n * 160000 + 1601})" for n in range(3))
    assert problem.message.endswith(f"also that of {named} and 3 more")


def test_utterances_that_overlap_are_named(tmp_path: Path) -> None:
    rows = _rows()
    after = make_row(1, samples=1601, recording="r1", id="late", audio=flac(samples_of(50, 1601)))
    report = _check(tmp_path, [*rows, after])
    assert "overlap" in _slugs(report)


def test_leaks_between_splits_are_named(tmp_path: Path) -> None:
    leak = make_row(8, samples=1600, recording="r2", speaker="s9")
    report = _check(tmp_path, _rows(), [leak])
    assert [(problem.slug, problem.where) for problem in report.problems] == [("leak-recording", "r2")]
    leak = make_row(8, samples=1600, recording="r9", speaker="s2")
    report = _check(tmp_path, _rows(), [leak])
    assert [(problem.slug, problem.where) for problem in report.problems] == [("leak-speaker", "s2")]


def test_the_numbered_voices_of_recordings_with_several_are_no_leak(tmp_path: Path) -> None:
    def talk(number: int, recording: str) -> list[Utterance]:
        return [
            make_row(number + at, samples=1600, recording=recording, speaker=f"SPEAKER_0{at}")
            for at in range(2)
        ]

    report = _check(tmp_path, [*_rows(), *talk(20, "r20")], talk(30, "r30"))
    assert report.problems == ()


@pytest.mark.parametrize(
    ("slug", "change"),
    [
        ("id-mismatch", {"id": "r1-000000001-000001602"}),
        ("run-mismatch", {"model_digest": "x" * 32}),
        ("score-invalid", {"score": float("nan")}),
        ("score-invalid", {"ctc_cost": float("inf")}),
        ("text-empty", {"text": " "}),
        ("text-mismatch", {"characters": 40}),
        ("noise-mismatch", {"noise": "{", "snr_db": 3.0}),
    ],
)
def test_rows_that_contradict_themselves_or_their_run(
    slug: str, change: dict[str, object], tmp_path: Path
) -> None:
    assert slug not in _slugs(_check(tmp_path / "good", _rows()))
    assert slug in _slugs(_check(tmp_path / "bad", _rows((1, change))))


@pytest.mark.parametrize(
    ("slug", "section", "change"),
    [
        ("count-mismatch", "splits", {"train": {"utterances": 5, "seconds": 1.0}}),
        (
            "ledger-mismatch",
            "ledgers",
            {"samples": {"kept": 1, "decoded": 2}, "characters": {}, "counts": {}},
        ),
        ("ledger-mismatch", "ledgers", {"samples": {}, "characters": {}, "counts": {"utterances": 3}}),
        ("ledger-mismatch", "ledgers", {"samples": {}}),
    ],
)
def test_manifests_that_contradict_themselves(
    slug: str, section: str, change: dict[str, object], run: Path
) -> None:
    path = run / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, section: change}))
    assert slug in _slugs(check_run(str(run), decode=False))
