"""Manifests, bundles, noise: all that a run reads."""
