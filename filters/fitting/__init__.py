"""What a filter is fitted from and judged by: cases, folds, thresholds, the corpus's own labels."""
