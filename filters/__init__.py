"""Pure functions that judge words and utterances: features, linear models, labels, fitting."""
