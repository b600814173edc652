"""Rows, clips and shard formats."""
