"""Where a text is said: which part of it, in which order its sections, which of many texts."""
