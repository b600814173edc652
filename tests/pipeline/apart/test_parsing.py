"""Transcripts parsed by a process of their own: the same as here, and none that can end, stop or fill up the run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mutants import mutated, transcript_samples

from prep_corpus.align.errors import DeadLetter, ParserFailed, RecordingError
from prep_corpus.align.recordings import Recording
from prep_corpus.align.speakers.rttm import parse_rttm
from prep_corpus.align.transcripts import formats
from prep_corpus.align.transcripts.pieces import EVERYTHING, Selection
from prep_corpus.align.transcripts.versions import Version, version_of
from prep_corpus.pipeline.apart import parsing as parsing_module
from prep_corpus.pipeline.apart.attempts import noting, parsing
from prep_corpus.pipeline.apart.parsing import Parser
from prep_corpus.pipeline.inputs.manifests import read_manifest

SAMPLES = transcript_samples("River stone. Morning light, carry the window. Garden silver")
PAGE = SAMPLES["page.xhtml"]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    made = Parser()
    yield made
    made.close()


def here(data: bytes, name: str, selection: Selection = EVERYTHING) -> Version | tuple[str, str]:
    """What this process makes of a file."""
    try:
        original = formats.decode(data, name=name)
        kind = formats.format_of(name, original)
        if kind == formats.PLAIN:
            return Version(text=original)
        documents = dict.fromkeys(formats.documents_of(data, name=name), PAGE)
        transcript = formats.parse(original, name=name, selection=selection, documents=documents)
        return version_of(transcript, name=name, kind=kind)
    except RecordingError as error:
        return error.reason, str(error)


def apart(
    parser: Parser, data: bytes, name: str, selection: Selection = EVERYTHING
) -> Version | tuple[str, str]:
    try:
        documents = dict.fromkeys(parser.documents_of(data, place=name), PAGE)
        return parser.parse(data, place=name, name=name, selection=selection, documents=documents)
    except RecordingError as error:
        return error.reason, str(error)


def test_every_format_is_the_same_apart(parser: Parser) -> None:
    chance = random.Random(3)
    for name, data in SAMPLES.items():
        for content in (data, *(mutated(data, chance, list(SAMPLES.values())) for _ in range(8))):
            assert apart(parser, content, name) == here(content, name), name


def test_what_is_selected_is_told_apart(parser: Parser) -> None:
    chosen = Selection(recordings=("other", "debate"), channel_index=0, tiers=("words",), strict=True)
    for name in ("debate.stm", "words.TextGrid", "a.ctm"):
        assert apart(parser, SAMPLES[name], name, chosen) == here(SAMPLES[name], name, chosen)


RTTM = b"".join(b"SPEAKER talk 1 %d.5 1.25 <NA> <NA> ann <NA> <NA>\n" % n for n in range(9))


def test_who_speaks_is_the_same_apart(parser: Parser) -> None:
    chance = random.Random(4)
    contents = [RTTM, RTTM + RTTM.replace(b"talk", b"other"), b"", b"\xff", RTTM.replace(b"1.25", b"1e308")]
    contents += [mutated(RTTM, chance) for _ in range(40)]
    for content in contents:
        for recordings in ((), ("other",)):
            wanted: object
            found: object
            try:
                wanted = parse_rttm(content, name="m:1: a.rttm", recordings=recordings)
            except RecordingError as error:
                wanted = (error.reason, str(error))
            try:
                found = parser.parse_speakers(content, place="m:1: a.rttm", recordings=recordings)
            except RecordingError as error:
                found = (error.reason, str(error))
            assert found == wanted


def test_an_rttm_file_over_its_bounds_costs_its_recording_alone(
    parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.rttm").write_bytes(RTTM * 4000)
    (tmp_path / "b.rttm").write_bytes(RTTM)
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(b"")
    lines = [
        {"audio_filepath": f"{name}.wav", "text": "river", "rttm_filepath": f"{name}.rttm"} for name in "ab"
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(parsing_module, "PARSING_SECONDS", 0.02)
    monkeypatch.setattr(parsing_module, "PARSING_SECONDS_PER_MB", 0.001)
    bad, good = read_manifest(str(manifest))
    assert isinstance(bad, DeadLetter)
    assert bad.reason == "parser-failed"
    assert isinstance(good, Recording)
    assert len(good.speaker_spans) == 9


@pytest.mark.parametrize(
    ("bound", "value", "happened"),
    [("PARSING_SECONDS", 0.01, "took over 0.0"), ("PARSING_MEMORY_BYTES", 0, "wanted over")],
)
def test_a_file_over_its_bounds_costs_itself_alone_and_is_not_tried_again(
    bound: str, value: float, happened: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "".join(
        f"{n}\n00:00:0{n % 9},000 --> 00:00:09,000\nriver & stone\n\n" for n in range(20_000)
    ).encode()
    with noting(str(tmp_path)), parsing() as parser:
        with monkeypatch.context() as patch:
            patch.setattr(parsing_module, bound, value)
            patch.setattr(parsing_module, "PARSING_SECONDS_PER_MB", 0.01)
            patch.setattr(parsing_module, "PARSING_MEMORY_PER_BYTE", 1)
            with pytest.raises(ParserFailed, match=f"m.jsonl:1: a.srt: .* {happened}"):
                parser.parse(long, place="m.jsonl:1: a.srt", name="a.srt", selection=EVERYTHING)
        assert parser.parse(b"river", place="b.txt", name="b.txt", selection=EVERYTHING).text == "river"
    # A later run knows it, and starts no process for it.
    with noting(str(tmp_path)), parsing() as parser:
        monkeypatch.setattr(parsing_module, "_start", lambda: pytest.fail("it is tried again"))
        with pytest.raises(ParserFailed, match=happened):
            parser.parse(long, place="a.srt", name="a.srt", selection=EVERYTHING)


def test_a_crash_is_tried_once_more_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real, starts = parsing_module._start, []

    def crashing(times: int) -> None:
        starts.clear()

        def start() -> subprocess.Popen[bytes]:
            starts.append(len(starts))
            if len(starts) > times:
                return real()
            code = "import os, sys; sys.stdin.buffer.read(16); os.abort()"
            return subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )

        monkeypatch.setattr(parsing_module, "_start", start)

    parser = Parser()
    try:
        crashing(times=1)
        assert parser.parse(b"river", place="a.txt", name="a.txt", selection=EVERYTHING).text == "river"
        parser.close()
        crashing(times=2)
        with pytest.raises(ParserFailed, match="was ended by SIGABRT"):
            parser.parse(b"stone", place="a.txt", name="a.txt", selection=EVERYTHING)
        assert len(starts) == 2
        # The next one is well again, also where somebody has ended the idle process.
        assert parser.parse(b"light", place="a.txt", name="a.txt", selection=EVERYTHING).text == "light"
        assert parser._process is not None
        os.kill(parser._process.pid, signal.SIGKILL)
        assert parser.parse(b"garden", place="a.txt", name="a.txt", selection=EVERYTHING).text == "garden"
    finally:
        parser.close()


def test_no_process_is_started_where_nothing_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing_module, "_start", lambda: pytest.fail("a process is started"))
    with parsing():
        pass


def test_a_process_serves_one_reading_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, started = parsing_module._start, []

    def start() -> subprocess.Popen[bytes]:
        started.append(real())
        return started[-1]

    def parse(text: bytes) -> str:
        with parsing() as parser:
            return parser.parse(text, place="a.txt", name="a.txt", selection=EVERYTHING).text

    parsing_module._end_idle()
    monkeypatch.setattr(parsing_module, "_start", start)
    assert [parse(b"river"), parse(b"stone")] == ["river", "stone"]
    (process,) = started
    # Two at once, and one that somebody has ended.
    with parsing() as other:
        assert other.parse(b"light", place="a.txt", name="a.txt", selection=EVERYTHING).text == "light"
        assert parse(b"garden") == "garden"
    assert len(started) == 2
    for one in started:
        one.kill()
        one.wait()
    assert parse(b"silver") == "silver"
    assert len(started) == 3
    # What the garbage collector does to one that is collected with its caller.
    assert started[-1].stdin is not None
    started[-1].stdin.close()
    assert parse(b"copper") == "copper"
    parsing_module._end_idle()
    assert process.poll() is not None
    assert all(one.poll() is not None for one in started)
