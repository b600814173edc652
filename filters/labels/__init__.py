"""What people label, and what they say they heard."""
