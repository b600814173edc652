"""Stores that are not disks: S3, Google Cloud Storage, and what Beam's file systems reach."""
