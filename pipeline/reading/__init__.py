"""Reading and checking finished runs."""
