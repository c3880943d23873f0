"""Training of the sensitivity detector: tagger, class model, generated text, evasions."""

DEFAULT_NAME = "clearway-sensitivity"
# Generated texts on each side of the split, where nothing else is asked for.
N_GENERATED = 3_000
