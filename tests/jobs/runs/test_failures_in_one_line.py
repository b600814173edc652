"""What fails outside the program is one line that names the thing and the way out, with the documented exit code."""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.runs import run_here
from support.toy import write_corpus, write_filter

from prep_corpus.align.errors import UsageError
from prep_corpus.align.secret_words import words_without_secrets
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.jobs.screen.commands import _told
from prep_corpus.jobs.screen.printing import printable
from prep_corpus.pipeline.stages import emit


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_filter(folder / "filter.json")
    return write_corpus(folder, recordings=1, sentences=3)


@contextmanager
def small_files(most_bytes: int) -> Iterator[None]:
    """No file may grow over a limit: what is written beyond it fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def told(output: str) -> str:
    """The one line of the failure."""
    assert "Traceback" not in output, output
    (line,) = [line for line in output.splitlines() if line.startswith("Error: ")]
    return line


def test_places_that_cannot_be_written_to(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        line = told(run_here(corpus, out, code=2).output)
        assert str(out) in line
        assert "choose another --out" in line


def test_a_device_that_is_none(corpus: Path, tmp_path: Path) -> None:
    line = told(run_here(corpus, tmp_path / "run", "--device", "gpu0", code=2).output)
    assert line == "Error: --device is cpu, cuda or cuda:N, and not 'gpu0'"


def test_damaged_filters_settings_and_models(corpus: Path, tmp_path: Path) -> None:
    noise = tmp_path / "damaged"
    noise.write_bytes(b"\xff\xfe\x00damaged")
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{")
    for option, path in (("--filter", noise), ("--config", noise), ("--model", model)):
        line = told(run_here(corpus, tmp_path / "run", option, str(path), code=2).output)
        assert option in line
        assert str(path) in line


@pytest.mark.parametrize("name", ["gone.wav", "n" * 300 + ".wav"])
@pytest.mark.parametrize("option", ["--noise", "--rooms"])
def test_a_listed_clip_that_cannot_be_opened(option: str, name: str, corpus: Path, tmp_path: Path) -> None:
    listed = tmp_path / "clips.jsonl"
    listed.write_text(json.dumps({"audio_filepath": name}) + "\n")
    line = told(run_here(corpus, tmp_path / "run", option, str(listed), code=2).output)
    assert line.startswith(f"Error: {option}: the clip {tmp_path / name} cannot be read: ")


def test_what_a_library_says_in_several_lines_is_one() -> None:
    assert _told(UsageError("--model nobody/x: cannot be fetched:\n  no network")).message == (
        "--model nobody/x: cannot be fetched: no network"
    )


def test_a_damaged_status_file(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"state": "run')
    done = CliRunner().invoke(main, ["status", str(tmp_path)])
    assert done.exit_code == 2
    assert f"{tmp_path}/status.json is damaged" in told(done.output)


def test_a_full_disk_is_named_with_the_file_and_the_run_goes_on_afterwards(
    corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with small_files(30_000):
        done = run_here(corpus, out, code=1)
    line = told(done.output)
    assert f"{out}/work/" in line
    assert "then give the same command again" in line
    run_here(corpus, out, "--max-failed", "1")


@pytest.mark.parametrize("what", ["folder", "notes", "network"])
def test_what_is_lost_in_the_middle_of_a_run_is_one_line(
    what: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    emit_bundle, decoded = emit.emit_bundle, emit.decoded

    def lost(*arguments: Any) -> Any:
        if what == "network":
            raise OSError(f's3://{out}: Could not connect to the endpoint URL: "http://127.0.0.1:9/runs"')
        shutil.rmtree(out)
        return (emit_bundle if what == "folder" else decoded)(*arguments)

    monkeypatch.setattr(emit, "decoded" if what == "notes" else "emit_bundle", lost)
    line = told(run_here(corpus, out, code=1).output)
    assert str(out) in line
    assert "give the same command again" in line
    assert "defect" not in line
    if what != "network":
        # And it may be given again.
        assert not out.exists()


def test_ctrl_c_in_a_stage_is_one_line_and_130(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(emit, "emit_bundle", interrupted)
    done = run_here(corpus, tmp_path / "run", code=130)
    assert told(done.output) == "Error: interrupted; the same command goes on where it stopped"
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "interrupted"


def test_a_defect_says_so_and_debug_shows_where(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(emit, "emit_bundle", broken)
    line = told(run_here(corpus, tmp_path / "run", code=1).output)
    assert (
        line
        == "Error: this is a defect of the program: ZeroDivisionError: division by zero (--debug shows where)"
    )
    assert "ZeroDivisionError" in repr(run_here(corpus, tmp_path / "run", "--debug", code=1).exception)


def test_causes_are_found_inside_what_the_engine_makes_of_them() -> None:
    wrapped = RuntimeError(
        "OSError: [Errno 28] No space left on device: '/x/y' [while running 'Emit/EmitBundles']"
    )
    line = cause_of(wrapped).line()
    assert line.startswith(
        "No space left on device: '/x/y'; free some space, then give the same command again"
    )
    text = "Traceback (most recent call last):\n  File\nKeyboardInterrupt [while running 'A']"
    assert cause_of(RuntimeError(text)).is_interrupt
    assert cause_of(RuntimeError("plain")).kind == "RuntimeError"


SECRETS_TOLD = {
    "'/data/https:user:pw@host/a.wav' is gone": "'/data/https:host/a.wav' is gone",
    "https:/user:p/w@host/a": "https:/host/a",
    "('//user:pw@host/a', '//user@host/b')": "('//host/a', '//host/b')",
    "https://h/a?token=ab&x=1&X-Amz-Signature=cd;sig=ef#access_token=gh": (
        "https://h/a?token=...&x=1&X-Amz-Signature=...;sig=...#access_token=..."
    ),
    "Beam: --s3_secret_access_key abc --s3_session_token=def --region ghi": (
        "Beam: --s3_secret_access_key ... --s3_session_token=... --region ghi"
    ),
    "recording 'example.com/b.wav?token=ab'cd': 'https://h/a?jwt=ef', a path; ?code=g&postcode=h": (
        "recording 'example.com/b.wav?token=...': 'https://h/a?jwt=...', a path; ?code=...&postcode=h"
    ),
    "h?id_token=a&assertion=b&client_secret=c&key=d&apikey=e&auth=f&X-Goog-Signature=g&sig=h&k=i": (
        "h?id_token=...&assertion=...&client_secret=...&key=...&apikey=...&auth=...&X-Goog-Signature=...&sig=...&k=i"
    ),
    "Beam: --azure_connection_string=AccountKey=a --experiments=b=c,token=d": (
        "Beam: --azure_connection_string=... --experiments=b=c,token=..."
    ),
    "/a/b//c@d/e?monkey=1 file:a@b 12:30@home.wav -key 2 key=3": (
        "/a/b//c@d/e?monkey=1 file:a@b 12:30@home.wav -key 2 key=3"
    ),
}


def test_no_secret_of_an_option_is_told_and_long_texts_take_no_time() -> None:
    words = [
        "run",
        "--seed",
        "3",
        "--",
        "--s3_secret_access_key",
        "a b",
        "--token=c\nd",
        "--password",
        "--region=e",
        "--azure_connection_string=AccountName=a;AccountKey=SEKX",
        "--experiments=token=f,use_x",
        "--experiments",
        "password=g",
        "--labels={'api_key': 'h i', 'team': 'j'}",
    ]
    told = (
        "run --seed 3 -- --s3_secret_access_key ... --token=... --password --region=e --azure_connection_string=... "
        "--experiments=token=...,use_x --experiments password=... --labels={'api_key': '...', 'team': 'j'}"
    )
    assert words_without_secrets(words) == told
    started = time.process_time()
    for part in ("a", "-", "--a", "?a-", "//a:", "//a", "s3:a", "--key", "=key", ",'key':", "?key='"):
        assert printable(part * 20_000 + "-@=").endswith(("=", "..."))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "before",
    [
        "run m --out o --config",
        "run m --out o --seed",
        "run m --out o --format",
        "train-english",
        "status --x",
        "",
        "--",
    ],
)
def test_what_click_itself_refuses_is_told_without_secrets(before: str) -> None:
    done = CliRunner().invoke(main, [*before.split(), "s3://u:hunter1@bucket/x?token=SEKRIT"])
    assert done.exit_code == 2
    assert "Error: " in done.output
    assert "hunter1" not in done.output
    assert "SEKRIT" not in done.output


def test_what_comes_from_data_is_safe_on_a_terminal() -> None:
    assert printable("a\x1b[31mb\x07\r\u202e") == "a\ufffd[31mb\ufffd\ufffd\ufffd"
    assert printable("no file at s3://key:secret@host/a and b@c") == "no file at s3://host/a and b@c"
    assert printable("s3://key:sec@ret@host/a@b, s3://key:sec/ret@host/a@b") == "s3://host/a@b, s3://host/a@b"
    for told, shown in SECRETS_TOLD.items():
        assert printable(told) == shown
    kept = "hdfs://node:8020/a@b <s3://bucket/c@d> https://host:80/e@f g@h"
    assert printable(kept) == kept
    assert printable("two\nlines\tand a tab") == "two\nlines\tand a tab"
