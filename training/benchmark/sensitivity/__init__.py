"""`clearway benchmark sensitivity`: what the sensitivity detector finds, misses and costs."""
