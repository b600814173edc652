"""Words of an alignment, and what the audio says for them."""
