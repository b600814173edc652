"""One PTransform per stage."""
