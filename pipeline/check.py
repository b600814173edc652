"""Checking a finished run's folder against its manifest."""

from __future__ import annotations

from prep_corpus.pipeline.published import MANIFEST_NAME, ShardEntry, manifest

__all__ = ["MANIFEST_NAME", "ShardEntry", "manifest"]
