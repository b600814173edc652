"""What is made from a finished run: labels, samples, material for filters."""
