"""Utterances whose text is the model's: what it hears where no text of the transcript is kept."""
