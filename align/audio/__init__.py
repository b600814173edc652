"""Sound files to samples."""
