"""Pure functions that judge words and utterances: features, linear models, scores; two rooms for fits and labels."""
