"""The command line, the runners, and training."""
