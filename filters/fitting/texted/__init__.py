"""Recordings with a text: how much that counts for what is read in them, and how they are then read."""
