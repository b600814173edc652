"""A report's numbers, its page, and that nothing of the data gets out of its place."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_files import HOSTILE, RATE_HZ, REASONS, with_examples, write_run

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting import cutting
from prep_corpus.align.errors import UsageError
from prep_corpus.align.transcripts.cue_times import CueComparison
from prep_corpus.pipeline.inputs.decoding import joined_spans
from prep_corpus.pipeline.report.bundles import estimated_snr_db, weakest
from prep_corpus.pipeline.report.examples import heard, peaks_of
from prep_corpus.pipeline.report.gather import few_of_each
from prep_corpus.pipeline.report.histograms import Counter
from prep_corpus.pipeline.report.model import Limits, ReportOptions
from prep_corpus.pipeline.report.page import MEANING, funnel, json_block, page
from prep_corpus.pipeline.report.payload import payload
from prep_corpus.pipeline.report.report import gather_report, identity, is_current, write_report
from prep_corpus.pipeline.report.rows import STRIP_BINS, Lowest, strip_of, together, words_of_clip
from prep_corpus.pipeline.report.sound import encode_opus
from prep_corpus.pipeline.shards.rows import WORD_TIMES
from prep_corpus.pipeline.stages.segment import SPEECH_SILENT
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck, VersionCheck


@given(st.lists(st.floats(-5, 5), max_size=30), st.integers(0, 8))
def test_lowest_keeps_what_sorting_would(values: list[float], count: int) -> None:
    lowest: Lowest[float] = Lowest(count)
    for value in values:
        lowest.add(value, value)
    assert lowest.sorted() == sorted(values)[:count]


def test_a_strip_says_how_much_of_each_part_went_where() -> None:
    # 0.8 s in eight parts: two of them kept, half of the next one dropped.
    part = RATE_HZ // 10
    strip = strip_of(
        [(0, 2 * part)],
        [(2 * part, 2 * part + part // 2)],
        [[6 * part, 8 * part]],
        samples=8 * part,
        sample_rate_hz=RATE_HZ,
    )
    assert strip.tolist() == [
        [63, 63, 0, 0, 0, 0, 0, 0],
        [0, 0, 32, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 63, 63],
    ]


@given(st.lists(st.integers(0, 3600 * RATE_HZ), max_size=60, unique=True))
def test_the_strip_of_an_hour_has_the_length_of_its_spans(edges: list[int]) -> None:
    edges = sorted(edges[: len(edges) // 2 * 2])
    spans = list(zip(edges[::2], edges[1::2]))
    strip = strip_of(spans, [], [], samples=3600 * RATE_HZ, sample_rate_hz=RATE_HZ)
    assert strip.shape == (3, STRIP_BINS)
    seconds = strip[0].sum() / 63 * 3600 / STRIP_BINS
    assert seconds == pytest.approx(sum(b - a for a, b in spans) / RATE_HZ, abs=3600 / STRIP_BINS / 63 * 61)


def test_the_weakest_word_of_each_span() -> None:
    found = weakest(
        np.array([1.0, 2.0, 5.0, 9.0]),
        np.array([3.0, -1.0, 4.0, 2.0]),
        np.array([0.0, 3.0, 6.0, 9.0]),
        np.array([3.0, 6.0, 8.0, 10.0]),
    )
    np.testing.assert_equal(found, [-1.0, 4.0, np.nan, 2.0])


def test_signal_to_noise_is_speech_over_the_quietest_tenth() -> None:
    power_P = np.full(100, 1e-5)
    power_P[50:60] = 1e-5 + 1e-2
    levels = Levels.of_powers(power_P, block_samples=80, floor_db=-50.0)
    assert estimated_snr_db(levels, 50 * 80, 60 * 80) == pytest.approx(30.0)
    assert estimated_snr_db(levels, 0, 80) == -10.0
    assert estimated_snr_db(replace(levels, floor_db=-120.0), 50 * 80, 60 * 80) == 60.0


def test_a_histogram_counts_outliers_at_its_ends_and_no_gaps() -> None:
    counter = Counter(key="k", title="t", unit="u", edges=np.arange(0, 6.0))
    counter.add(np.array([-3.0, 1.2, 2.0, 99.0, np.nan]), np.array([True, True, False, True, True]))
    made = counter.finish()
    assert (made.edges, made.kept, made.dropped) == ((0, 1, 2, 3, 4, 5), (1, 1, 0, 0, 1), (0, 0, 1, 0, 0))


def test_a_recording_without_words_has_none_to_hear() -> None:
    assert [len(edges) for edges in heard(np.zeros(0), np.zeros(0))] == [0, 0]


def test_the_words_of_a_text_that_is_read_are_those_of_its_row() -> None:
    fields = {"text": "read it", "duration": 1.5}
    assert [(word.text, word.start, word.end) for word in words_of_clip(fields)] == [("read it", 0.0, 1.5)]
    times = [
        {"text": text, "start": at, "end": at + 0.5, "score": 1.0}
        for text, at in (("read", 0.0), ("it", 0.6))
    ]
    found = words_of_clip({**fields, WORD_TIMES: times})
    assert [(word.text, word.start, word.end) for word in found] == [("read", 0.0, 0.5), ("it", 0.6, 1.1)]


def test_a_word_is_heard_a_little_outside_its_letters_but_not_in_its_neighbours() -> None:
    starts, ends = heard(np.array([1.0, 2.0, 2.1]), np.array([1.5, 2.08, 3.0]))
    np.testing.assert_allclose(starts, [0.94, 1.94, 2.09])
    np.testing.assert_allclose(ends, [1.62, 2.09, 3.12])


def test_spans_that_overlap_are_decoded_once() -> None:
    assert joined_spans([(95, 120), (5, 45), (38, 42), (45, 47), (60, 61)]) == [(5, 47), (60, 61), (95, 120)]


def test_sound_in_the_page_keeps_its_times() -> None:
    wave_N = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE_HZ).astype(np.float32)
    for second in (0.5, 2.0):
        at = int(second * RATE_HZ)
        wave_N[at : at + 40] = 0.8 * np.sin(np.arange(40) * 0.8)
    sound = encode_opus(wave_N, RATE_HZ)
    heard_N = np.concatenate(list(audio.decode(io.BytesIO(sound), name="clip", sample_rate_hz=RATE_HZ)))
    assert len(heard_N) == len(wave_N)
    loud = np.flatnonzero(np.abs(heard_N) > 0.3) / RATE_HZ
    assert loud[0] == pytest.approx(0.5, abs=0.004)
    assert loud[-1] == pytest.approx(2.0, abs=0.006)
    assert len(sound) < 4000 * 3
    assert sound == encode_opus(wave_N, RATE_HZ)


def test_peaks_touch_the_edges_where_the_wave_is_loudest() -> None:
    wave_N = np.zeros(1000, np.float32)
    wave_N[500] = -0.5
    peaks = peaks_of(wave_N, columns=10)
    assert peaks.tolist() == [128] * 10 + [1, 128] + [128] * 8


def test_a_funnel_ends_at_what_is_kept() -> None:
    entries = {
        "decoded": 100,
        "kept": 50,
        "pause": 20,
        "dropped:low-score": 25,
        "rejected:x": 5,
        "untranscribed": 0,
    }
    steps = funnel(entries, "decoded", str)
    assert [step.key for step in steps] == ["decoded", "rejected:x", "pause", "dropped:low-score", "kept"]
    assert [round(step.left, 6) for step in steps] == [0, 0.95, 0.75, 0.5, 0]
    assert steps[-2].left == pytest.approx(steps[-1].share)


@given(st.text())
def test_json_in_the_page_reads_back_and_never_ends_its_element(text: str) -> None:
    block = str(json_block({"text": text}))
    assert "<" not in block
    assert ">" not in block
    assert json.loads(block)["text"] == text.encode("utf-8", "replace").decode()


class Tags(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def test_a_short_run_has_a_third_of_the_examples() -> None:
    full = Limits()
    assert Limits().for_audio(3.0) == Limits().for_audio(1000.0) == full
    short = full.for_audio(0.2)
    assert short == full.for_audio(1.0)
    assert (short.clips, short.worst, short.per_reason) == (60, 8, 3)
    assert (short.segments, short.clip_seconds) == (full.segments, full.clip_seconds)


def test_examples_of_low_scores_come_from_both_ends(tmp_path: Path) -> None:
    report = gather_report(write_run(tmp_path, hours=1, segments_an_hour=400))
    few = few_of_each(report.segments, 4)
    scores = sorted(
        row.score for row in report.segments if row.reason == "low-score" and row.score is not None
    )
    assert [row.score for row in few["low-score"]] == [scores[0], scores[-1], scores[1], scores[-2]]
    assert {reason: len(rows) for reason, rows in few.items()} == dict.fromkeys(REASONS, 4)
    assert not any(row.kept for rows in few.values() for row in rows)


def test_the_speakers_of_a_recording_are_told_in_the_order_in_which_they_speak() -> None:
    assert together(()) is None
    assert together(["bob", "ann"]) == "bob, ann"
    assert together([f"s{n}" for n in range(10)]) == "s0, s1, s2, s3, s4, s5, s6, s7 and 2 more"


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> ReportOptions:
    return write_run(tmp_path_factory.mktemp("made-up"), hours=12, segments_an_hour=100)


def test_the_page_holds_the_limits_and_the_tables_hold_everything(made_up: ReportOptions) -> None:
    limits = Limits(segments=200, recordings=5, letters=3)
    report = gather_report(replace(made_up, limits=limits))
    assert (len(report.segments), report.segments_total) == (200, 1200)
    assert (len(report.recordings), report.recordings_total) == (5, 12)
    assert (len(report.letters), report.failed) == (3, 7)
    folder = Path(made_up.folder)
    table = pq.read_table(folder / "report" / "segments.parquet")
    assert (len(table), len(set(table["id"].to_pylist()))) == (1200, 1200)
    recordings = pq.read_table(folder / "report" / "recordings.parquet").to_pylist()
    assert len(recordings) == 12
    for row in recordings:
        assert sum(dict(row["seconds_by_entry"]).values()) == pytest.approx(row["seconds"]) == 3600
    # Those of which the least was kept are all there.
    least = sorted(recordings, key=lambda row: row["share_kept"])[:4]
    assert {row["recording_id"] for row in least[:3]} <= {row.id for row in report.recordings}
    kept = sum(sum(one.kept) for one in report.histograms if one.key == "seconds")
    assert kept == sum(row["utterances"] for row in recordings)
    speakers = dict(zip(table["id"].to_pylist(), table["speaker"].to_pylist()))
    shown = payload(report)["segments"]
    assert shown["speaker"] == [speakers[id_] for id_ in shown["id"]]
    html = page(report)
    assert "lists 200 of 1,200 segments" in html
    assert "the 5 of 12 recordings" in html


def test_nothing_of_the_data_gets_out_of_its_place(made_up: ReportOptions) -> None:
    html = page(with_examples(gather_report(made_up), 20))
    _, _, rest = html.partition('<script type="application/json" id="payload">')
    data, _, _ = rest.partition("</script>")
    assert HOSTILE[0] in json.dumps(json.loads(data), ensure_ascii=False)
    assert data.endswith("}")
    tags = Tags()
    tags.feed(html)
    kinds = [dict(attributes).get("type") for tag, attributes in tags.found if tag == "script"]
    assert kinds == ["application/json", *["text/plain"] * 20, None, None]
    assert not [tag for tag, _ in tags.found if tag in ("img", "link", "iframe", "object", "embed", "base")]
    assert not [
        name for _, attributes in tags.found for name, _ in attributes if name.startswith(("on", "style"))
    ]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1]


def test_the_scripts_of_the_page_put_in_text_alone() -> None:
    folder = Path(__file__).resolve().parents[3] / "pipeline"
    for path in folder.glob("report_*.js"):
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "fetch(",
            "XMLHttp",
        ):
            assert way not in path.read_text(), f"{path.name} uses {way}"


def test_a_page_is_made_again_only_where_something_has_changed(made_up: ReportOptions) -> None:
    assert not is_current(made_up)
    write_report(made_up)
    assert is_current(made_up)
    assert not is_current(replace(made_up, settings={**made_up.settings, "seed": 1}))
    before = identity(made_up)
    letters = Path(made_up.folder) / "dead-letters.jsonl"
    letters.write_text(letters.read_text().replace("audio-unreadable", "audio-missing"))
    assert identity(made_up) != before


def test_every_reason_is_explained() -> None:
    for reason in (*cutting.REASONS, SPEECH_SILENT):
        assert MEANING[f"dropped:{reason}"]


def test_cue_times_that_disagree_are_told_first(tmp_path: Path) -> None:
    options = write_run(tmp_path, hours=3, segments_an_hour=20)
    ids = [row.id for row in gather_report(options).recordings]

    def check(recording_id: str, shift_seconds: float) -> TranscriptCheck:
        cues = CueComparison(
            cues=40,
            compared=38,
            shift_seconds=shift_seconds,
            spread_seconds=0.2,
            low_seconds=shift_seconds - 0.3,
            high_seconds=shift_seconds + 0.3,
            drift_seconds_per_hour=0.1,
            span_seconds=3000.0,
            share_off=float(shift_seconds > 2),
        )
        return TranscriptCheck(
            recording_id=recording_id,
            transcript="talk <1>.srt",
            format="srt",
            disagrees=cues.disagrees,
            verdict=cues.message(),
            cues=cues,
            versions=(VersionCheck(name="b.txt", used=False, heard_characters=30.0, words=9, words_apart=2),),
            problems=("line 3: no time",) * 30,
        )

    lines = [check(ids[0], 0.1), check(ids[1], 3.0), check(ids[2], 5.0)]
    (tmp_path / "transcripts.jsonl").write_text("".join(line.to_json() + "\n" for line in lines))
    report = gather_report(options)
    assert [one.recording_id for one in report.checks] == [ids[2], ids[1], ids[0]]
    html = page(report)
    assert html.count("cues are 3.0 s late against the audio</td>") == 1
    assert html.count("cues agree with the audio") == 1, "in the list of recordings alone"
    shown = payload(report)["checks"][1]
    assert (shown["shift"], shown["disagrees"], shown["problemCount"], len(shown["problems"])) == (
        3.0,
        True,
        30,
        5,
    )
    assert shown["versions"] == [["b.txt", False, 9, 2]]


def test_a_run_that_came_to_nothing_has_a_report(tmp_path: Path) -> None:
    options = write_run(tmp_path, hours=0)
    html = page(gather_report(replace(options, fitted=None, point=None)))
    assert "nothing was published" in html
    assert "Every recording could be used" not in html


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    options = write_run(run, hours=2, segments_an_hour=5)
    next((run / "work" / "segment").iterdir()).unlink()
    with pytest.raises(UsageError, match=r"is gone\. Give the same run command again"):
        gather_report(options)
    with pytest.raises(UsageError, match=r"there is no outcome\.json"):
        gather_report(replace(options, folder=str(tmp_path)))


def test_a_run_in_an_object_store_has_its_report_there(made_up: ReportOptions) -> None:
    from support.object_store import MemoryFileSystem

    local, remote = Path(made_up.folder), "memory://bucket/runs/far"
    stored = [path for path in local.rglob("*") if path.is_file() and "report" not in path.name]
    for path in stored:
        MemoryFileSystem.objects[f"{remote}/{path.relative_to(local).as_posix()}"] = path.read_bytes()
    try:
        uri = write_report(replace(made_up, folder=remote))
        assert uri == f"{remote}/report.html"
        page_there = MemoryFileSystem.objects[uri].decode()
        assert "<title>far · prep-corpus</title>" in page_there
        segments = pq.read_table(io.BytesIO(MemoryFileSystem.objects[f"{remote}/report/segments.parquet"]))
        assert len(segments) == 1200
    finally:
        MemoryFileSystem.objects.clear()
