"""From rows to results: the engine sums whole numbers, numpy draws the intervals."""
