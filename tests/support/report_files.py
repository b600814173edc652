"""Reports of made-up runs: as many hours as wanted, with texts that try to break out of the page."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.filters.linear import bundled_filter
from prep_corpus.pipeline.ledgers import Ledgers, total
from prep_corpus.pipeline.outcome import RunOutcome
from prep_corpus.pipeline.report.examples import encode_opus, peaks_of
from prep_corpus.pipeline.report.model import Example, Limits, Report, ReportOptions, Word
from prep_corpus.pipeline.stages.segment_rows import SCHEMA
from prep_corpus.pipeline.storage.stage_store import Store

RATE_HZ = 16_000
HOSTILE = (
    "</script><script>window.broken=1</script>",
    '<img src="x" onerror="window.broken=1">',
    "<!--<script>",
    "{{ 7*7 }} & \u2028 \"quoted\" 'single' \\u003c",
)
REASONS = ("too-short", "inside-speech", "low-score", "too-long")
_WORDS = (
    "river stone morning light carry window garden silver market under quiet letter winter follow".split()
)


def write_run(folder: Path, *, hours: int, segments_an_hour: int = 850) -> ReportOptions:
    """A finished run of one recording an hour, without audio; its texts are hostile here and there."""
    store = Store(str(folder / "work"))
    (folder / "work").mkdir()
    used, ledgers = [], []
    for hour in range(hours):
        table, notes = _bundle(hour, segments_an_hour)
        digest = f"{hour:032x}"
        store.write("segment", "", digest, table, notes=notes)
        used.append(f"segment/{digest}")
        ledgers += [Ledgers.from_json(one) for one in notes["recordings"].values()]
    (folder / "work" / "used.json").write_text(json.dumps(used))
    letters = [
        {"stage": "emit", "recording_id": f"bad-{n}", "reason": "audio-unreadable", "message": HOSTILE[n % 4]}
        for n in range(7)
    ]
    (folder / "dead-letters.jsonl").write_text("".join(json.dumps(letter) + "\n" for letter in letters))
    outcome = RunOutcome(
        published=False,
        entries=hours + len(letters),
        failed=len(letters),
        internal_errors=0,
        reasons={"audio-unreadable": len(letters)},
        k_frames=12,
        sample_rate_hz=RATE_HZ,
        ledgers=total(ledgers).to_json(),
        shards={},
        utterances=0,
        noisy=0,
    )
    (folder / "outcome.json").write_text(json.dumps(asdict(outcome)))
    fitted = bundled_filter("english")
    return ReportOptions(
        folder=str(folder),
        settings={"model": HOSTILE[0], "cut": "words", "max_duration_seconds": 20.0},
        text=TextOptions(),
        fitted=fitted,
        point=fitted.words.curve[len(fitted.words.curve) // 2],
        limits=Limits(),
    )


def _bundle(hour: int, segments: int) -> tuple[pa.Table, dict[str, object]]:
    """An hour's segments, and what the segment stage notes beside them."""
    random = np.random.default_rng(hour)
    recording_id = f"lecture {hour:03d} {HOSTILE[hour % 4] if hour % 10 == 0 else ''}".strip()
    hour_samples = 3600 * RATE_HZ
    edges = np.sort(random.choice(hour_samples // 100, 2 * segments, replace=False)) * 100
    starts, ends = edges[::2], edges[1::2]
    rows = []
    sums: dict[str, int] = {"kept": 0, "untranscribed": 0}
    for n, (start, end) in enumerate(zip(starts.tolist(), ends.tolist())):
        kept = bool(random.random() < 0.6)
        reason = "" if kept else REASONS[int(random.integers(len(REASONS)))]
        key = "kept" if kept else f"dropped:{reason}"
        sums[key] = sums.get(key, 0) + end - start
        text = " ".join(random.choice(_WORDS, 14)) if n % 97 else HOSTILE[n % 4]
        scored = kept or reason == "low-score"
        rows.append(
            {
                "id": f"{recording_id}-{start:09d}-{end:09d}",
                "recording_id": recording_id,
                "speaker": f"speaker {hour % 7}",
                "kept": kept,
                "reason": reason,
                "start_sample": start,
                "end_sample": end,
                "start": start / RATE_HZ,
                "end": end / RATE_HZ,
                "duration": (end - start) / RATE_HZ,
                "text": text,
                "text_normalized": text.lower(),
                "char_start": 100 * n,
                "char_end": 100 * n + len(text),
                "words": 14.0 if scored else float("nan"),
                "score": float(random.normal(2 if kept else -2)) if scored else float("nan"),
                "clip_offset": 0 if kept else None,
                "clip_bytes": 10 if kept else None,
            }
        )
    spans = [[int(a), int(b)] for a, b in zip(ends[:-1:9], starts[1::9])]
    sums["untranscribed"] = sum(b - a for a, b in spans)
    sums["pause"] = hour_samples - sum(sums.values())
    ledger = {
        "samples": {**sums, "decoded": hour_samples},
        "characters": {"kept": 50_000, "unspoken": 4_000, "read": 54_000},
        "counts": {"recordings": 1, "segments": len(rows), "utterances": sum(row["kept"] for row in rows)},
    }
    notes = {
        "sample_rate_hz": RATE_HZ,
        "recordings": {recording_id: {**ledger, "untranscribed_spans": spans}},
    }
    return pa.Table.from_pylist(rows, schema=SCHEMA), notes


def with_examples(report: Report, count: int) -> Report:
    """The same with sound: noise, which packs worse than speech, of 7 s each."""
    random = np.random.default_rng(1)
    noise_N = random.normal(0, 0.05, 7 * RATE_HZ).astype(np.float32)
    sound, peaks = encode_opus(noise_N, RATE_HZ), peaks_of(noise_N)
    groups = ("worst", "borderline", "kept", *REASONS)
    words = tuple(
        Word(
            text=HOSTILE[0] if at == 3 else _WORDS[at % len(_WORDS)],
            start=at / 2,
            end=at / 2 + 0.4,
            score=float(at - 4),
            inside=at > 1,
            said=at != 5,
            mean_ratio=-0.5,
            edits=at % 3,
        )
        for at in range(14)
    )
    examples = tuple(
        Example(
            segment_id=row.id,
            recording_id=row.recording_id,
            group=groups[n % len(groups)],
            start=row.start,
            end=row.start + 7,
            core=(0.5, 6.5),
            words=words,
            peaks=peaks,
            sound=sound,
        )
        for n, row in enumerate(report.segments[:count])
    )
    return replace(report, examples=examples)
