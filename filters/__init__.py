"""Pure functions that judge words and utterances: features, linear models, scores; fitting and labels have rooms of their own."""
