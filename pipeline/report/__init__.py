"""The page that shows where audio and text went."""
