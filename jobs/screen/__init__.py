"""What commands print, and progress."""
