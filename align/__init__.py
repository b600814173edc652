"""Pure functions from audio and text to cut utterances: audio, text, acoustic models, Viterbi, cutting."""
