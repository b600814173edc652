"""The names of the files of a run folder."""

from __future__ import annotations

MARKER = "prep-corpus-run.json"
SUBMITTED_NAME = "submitted.json"
"""What is left of a submission, for `status`; a run that follows it on this machine takes its place."""
STATUS_NAME = "status.json"
USED_NAME = "work/used.json"
REPORT_PAGE_NAME = "report.html"
SEGMENTS_NAME = "report/segments.parquet"
RECORDINGS_NAME = "report/recordings.parquet"
CARD_NAME = "README.md"
MANIFEST_NAME = "manifest.json"
OUTCOME_NAME = "outcome.json"
DEAD_LETTERS_NAME = "dead-letters.jsonl"
CHECKS_NAME = "transcripts.jsonl"
