"""Training of the sensitivity detector: tagger, class model, generated text, evasions."""
