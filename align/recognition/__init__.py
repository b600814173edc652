"""What the model itself hears, without a text: words with their frames, from stored emissions."""
