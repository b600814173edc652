"""Transcripts to what a model can say, with the way back."""
