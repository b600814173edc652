"""Who says each word."""
