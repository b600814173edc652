"""Media overlays: transcripts whose times stand in one file and whose text in others that it names."""
