"""Commands that run the graph, or show what it did, on one machine."""
