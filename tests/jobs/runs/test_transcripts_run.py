"""Every kind of transcript through whole runs: what is kept, where it stands in its file, what its cues say."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from support import corpora, formats, toy
from support.formats import Sentence
from support.runs import cli_here as cli

from prep_corpus.align.transcripts.formats import decode
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck, read_checks

RATE_HZ = toy.SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A recording in the toy language, with what is said in it and when."""

    samples_N: np.ndarray
    sentences: tuple[Sentence, ...]

    @property
    def words(self) -> list[str]:
        """All that is said."""
        return said([sentence.text for sentence in self.sentences])


def said(texts: Sequence[str]) -> list[str]:
    return re.findall(r"[a-z']+", " ".join(texts).lower())


def talk(seed: int, count: int = 6) -> Talk:
    random = np.random.default_rng(seed)
    pieces: list[np.ndarray] = []
    sentences = []
    at = 0
    for _ in range(count):
        words = [toy.WORDS[i] for i in random.integers(len(toy.WORDS), size=int(random.integers(3, 7)))]
        sound = toy.say(" ".join(words))
        pause = int(random.uniform(0.5, 1.0) * RATE_HZ)
        pieces += [np.zeros(pause, np.float32), sound]
        start, at = at + pause, at + pause + len(sound)
        sentences.append(
            Sentence(
                start_seconds=round(start / RATE_HZ, 2),
                end_seconds=round(at / RATE_HZ, 2),
                text=" ".join(words).capitalize() + ".",
            )
        )
    samples_N = np.concatenate([*pieces, np.zeros(RATE_HZ, np.float32)])
    samples_N += random.normal(0, 1e-3, len(samples_N)).astype(np.float32)
    return Talk(samples_N=samples_N.astype(np.float32), sentences=tuple(sentences))


NAMES = ("srt", "late", "vtt", "stm", "textgrid", "html", "markdown", "cut", "segments", "versions", "plain")
FILES = {"srt": "srt.srt", "late": "late.srt", "vtt": "vtt.vtt", "stm": "many.stm", "textgrid": "textgrid.TextGrid",
         "html": "html.html", "markdown": "markdown.md", "versions": "versions.srt", "plain": "plain.txt"}  # fmt: skip


def write_corpus(folder: Path) -> dict[str, Talk]:
    """One recording for each kind of transcript, in one gzipped manifest."""
    talks = {name: talk(seed) for seed, name in enumerate(NAMES)}
    lines: list[dict[str, Any]] = []
    for name, one in talks.items():
        soundfile.write(folder / f"{name}.flac", one.samples_N, RATE_HZ)
        lines.append({"audio_filepath": f"{name}.flac", "text_filepath": FILES.get(name)})
    texts = {name: one.sentences for name, one in talks.items()}
    write_srt(folder, "srt", texts["srt"])
    write_srt(folder, "late", texts["late"], shift_seconds=3.0)
    (folder / FILES["vtt"]).write_text(formats.vtt(texts["vtt"]))
    (folder / FILES["stm"]).write_text(formats.stm(texts["stm"], "stm"))
    seconds = len(talks["textgrid"].samples_N) / RATE_HZ
    grid = formats.textgrid(texts["textgrid"], seconds)
    (folder / FILES["textgrid"]).write_bytes(grid.encode("utf-16"))
    (folder / FILES["html"]).write_text(formats.html(texts["html"]))
    (folder / FILES["markdown"]).write_text(formats.markdown(texts["markdown"]))
    (folder / FILES["plain"]).write_text(" ".join(sentence.text for sentence in texts["plain"]))
    samples = len(talks["cut"].samples_N)
    lines[NAMES.index("cut")] = formats.cut(
        texts["cut"], cut_id="cut", audio="cut.flac", rate_hz=RATE_HZ, samples=samples
    )
    pieces = [{"start": s.start_seconds, "end": s.end_seconds, "text": s.text} for s in texts["segments"]]
    lines[NAMES.index("segments")] = {"audio_filepath": "segments.flac", "segments": pieces}
    write_srt(folder, "versions", texts["versions"])
    wrong = [sentence.text.replace("e", "o") for sentence in texts["versions"]]
    (folder / "versions.txt").write_text(" ".join(wrong))
    (folder / "versions.vtt").write_text("no subtitles at all")
    lines[NAMES.index("versions")]["text_filepath"] = ["versions.txt", "versions.vtt", FILES["versions"]]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    (folder / "manifest.jsonl.gz").write_bytes(gzip.compress(data))
    toy.write_filter(folder / "filter.json")
    return talks


def write_srt(folder: Path, name: str, sentences: Sequence[Sentence], shift_seconds: float = 0.0) -> None:
    with (folder / FILES[name]).open("w", newline="", encoding="utf-8") as file:
        file.write(formats.srt(sentences, shift_seconds))


def run(folder: Path, out: Path) -> str:
    model = ("--model", "toy:acoustic_model", "--filter", str(folder / "filter.json"))
    done = cli("run", str(folder / "manifest.jsonl.gz"), "--out", str(out), *model, "--noise-fraction", "0")
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Talk]]:
    folder = tmp_path_factory.mktemp("formats")
    return folder, write_corpus(folder)


@pytest.fixture(scope="module")
def finished(corpus: tuple[Path, dict[str, Talk]]) -> tuple[Path, str]:
    out = corpus[0] / "run"
    return out, run(corpus[0], out)


def segments(out: Path) -> list[dict[str, Any]]:
    return [
        row
        for path in (out / "work" / "segment").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]


def rows(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_is_kept_from_every_kind_of_file(
    corpus: tuple[Path, dict[str, Talk]], finished: tuple[Path, str], name: str
) -> None:
    spoken = corpus[1][name]
    kept = sorted(
        (row for row in rows(finished[0]) if row["recording_id"] == name), key=lambda row: row["start"]
    )
    assert sum(len(row["text_normalized"].split()) for row in kept) > 0.9 * len(spoken.words)
    for row in kept:
        inside = [
            s for s in spoken.sentences if s.start_seconds < row["end"] and s.end_seconds > row["start"]
        ]
        assert row["text_normalized"] == " ".join(said([sentence.text for sentence in inside]))
        assert said([row["text"]]) == said([sentence.text for sentence in inside])


@pytest.mark.parametrize("name", sorted(FILES))
def test_segments_know_their_place_in_the_file(
    corpus: tuple[Path, dict[str, Talk]], finished: tuple[Path, str], name: str
) -> None:
    content = decode((corpus[0] / FILES[name]).read_bytes(), name=name)
    own = [row for row in segments(finished[0]) if row["recording_id"] == name and row["kept"]]
    assert own
    for row in own:
        place = content[row["file_char_start"] : row["file_char_end"]]
        if name == "textgrid":
            # The tiers of two speakers stand one after the other in the file: the place holds the parts of both.
            assert set(row["text_normalized"].split()) <= set(said([place]))
            continue
        left = place.lower()
        for word in row["text_normalized"].split():
            _, found, left = left.partition(word)
            assert found, (word, place)
        assert place.lower().startswith(row["text_normalized"].split()[0])
        assert re.fullmatch(r"[.]?", left)


def test_cues_that_are_three_seconds_late_change_nothing_and_are_told(
    corpus: tuple[Path, dict[str, Talk]], finished: tuple[Path, str]
) -> None:
    out, printed = finished
    checks = {check.recording_id: check for check in read_checks(str(out))}
    assert set(checks) == set(NAMES) - {"html", "markdown", "plain"}
    late = checks["late"]
    assert late.cues is not None
    assert late.cues.compared == late.cues.cues == 6
    assert late.cues.shift_seconds == pytest.approx(3.0, abs=0.1)
    assert late.cues.share_off == 1.0
    assert [name for name, check in checks.items() if check.disagrees] == ["late"]
    assert re.search(r"^late: cues are (2\.9|3\.0|3\.1) s late against the audio$", printed, re.M)
    for name in sorted(set(checks) - {"late"}):
        cues = checks[name].cues
        assert cues is not None
        assert abs(cues.shift_seconds) < 0.1, name


def test_of_several_transcripts_the_best_is_used_and_the_rest_is_told(finished: tuple[Path, str]) -> None:
    out, printed = finished
    (check,) = [check for check in read_checks(str(out)) if check.recording_id == "versions"]
    assert Path(check.transcript).name == "versions.srt"
    wrong, right = check.versions
    assert (Path(wrong.name).name, wrong.used) == ("versions.txt", False)
    assert (Path(right.name).name, right.used, right.words_apart) == ("versions.srt", True, 0)
    assert wrong.heard_characters is not None
    assert right.heard_characters is not None
    assert right.heard_characters > wrong.heard_characters
    assert wrong.words_apart is not None
    assert wrong.words_apart > 5
    assert "must begin with WEBVTT" in check.problems[0]
    assert "parts that could not be read: in 1 transcript" in printed


def test_all_characters_are_accounted_for(
    corpus: tuple[Path, dict[str, Talk]], finished: tuple[Path, str]
) -> None:
    characters = json.loads((finished[0] / "outcome.json").read_text())["ledgers"]["characters"]
    assert characters.pop("read") == sum(characters.values())
    assert characters["rejected:other-version"] == len((corpus[0] / "versions.txt").read_text())
    # Names, music and directions.
    assert characters["stripped"] > 5 * len("ANN: ") + len("[MUSIC PLAYING]")


def test_right_cue_times_touch_nothing_but_the_checks(
    corpus: tuple[Path, dict[str, Talk]], finished: tuple[Path, str]
) -> None:
    folder, talks = corpus
    out, _ = finished
    before = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    write_srt(folder, "late", talks["late"].sentences)
    printed = run(folder, out)
    after = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    assert {path.parent.name for path in after if path not in before} == {"bundles", "checks"}
    assert all(after[path] == data for path, data in before.items())
    assert "late against the audio" not in printed
    write_srt(folder, "late", talks["late"].sentences, shift_seconds=3.0)


def test_align_tells_of_cues_and_of_places_in_files(
    corpus: tuple[Path, dict[str, Talk]], tmp_path: Path
) -> None:
    folder, _ = corpus
    lines = gzip.decompress((folder / "manifest.jsonl.gz").read_bytes()).splitlines()
    (folder / "two.jsonl").write_bytes(
        lines[NAMES.index("late")] + b"\n" + lines[NAMES.index("html")] + b"\n"
    )
    model = ("--model", "toy:acoustic_model")
    done = cli(
        "align", str(folder / "two.jsonl"), "--out", str(tmp_path / "out"), *model, "--format", "jsonl"
    )
    assert re.search(r"^late: cues are (2\.9|3\.0|3\.1) s late against the audio$", done.stderr, re.M)
    for name in ("late", "html"):
        content = decode((folder / FILES[name]).read_bytes(), name=name)
        words = [json.loads(line) for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()]
        words = [word for word in words if word.get("spoken")]
        assert len(words) > 20
        for word in words:
            assert content[word["file_char_start"] : word["file_char_end"]].lower() == word["word"]


def test_real_subtitles_three_seconds_late_align_right_and_are_told(shared_dir: Path, tmp_path: Path) -> None:
    recording = corpora.build_recording(
        shared_dir / "data" / corpora.DEV_CLEAN, recording_id="reading", speakers=["84"], minutes=1.0
    )
    rate = recording.sample_rate_hz
    soundfile.write(tmp_path / "reading.flac", recording.audio_N, rate)
    # Each file begins and ends with 0.44 s of silence.
    sentences = [
        Sentence(
            start_seconds=utterance.start_sample / rate + 0.44,
            end_seconds=utterance.end_sample / rate - 0.44,
            text=" ".join(utterance.words).capitalize() + ".",
        )
        for utterance in recording.utterances
    ]
    (tmp_path / "reading.srt").write_text(formats.srt(sentences, 3.0), newline="")
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"audio_filepath": "reading.flac", "text_filepath": "reading.srt"}))
    out = tmp_path / "run"
    done = cli("run", str(manifest), "--out", str(out), "--noise-fraction", "0")
    check: TranscriptCheck
    (check,) = read_checks(str(out))
    assert check.cues is not None
    assert check.cues.compared > 0.8 * len(sentences)
    assert check.cues.shift_seconds == pytest.approx(3.0, abs=0.3)
    assert re.search(r"^reading: cues are (2\.[789]|3\.[0123]) s late against the audio$", done.stdout, re.M)
    kept = rows(out)
    truth = " ".join(recording.words)
    assert sum(len(row["text_normalized"].split()) for row in kept) > 0.6 * len(recording.words)
    starts = {words: sentence for sentence in sentences for words in [" ".join(said([sentence.text]))]}
    for row in kept:
        assert row["text_normalized"] in truth
        for words, sentence in starts.items():
            if words in row["text_normalized"]:
                # Where the words are said, not where the cue has them.
                assert row["start"] - 0.5 < sentence.start_seconds
                assert sentence.end_seconds < row["end"] + 0.5
