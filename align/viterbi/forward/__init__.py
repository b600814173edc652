"""The forward pass through a long trellis: in tiles, and no farther than the best path may be."""
