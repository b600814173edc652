"""Utterances as plain audio files with lists that other toolkits read: NeMo manifests and Kaldi data directories."""
