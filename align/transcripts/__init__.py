"""The files that transcripts come in."""
