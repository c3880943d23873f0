"""What the tagger of names is learned from: the split, copies, contexts, lists and labels."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from clearway.errors import TrainingDataError
from clearway.sensitivity.name_features import N_ROWS, N_SECOND_ROWS, Lexicon, load_lexicon
from clearway.sensitivity.tokens import tokenise
from training.sensitivity.name_lists import common_words, write_lists
from training.sensitivity.name_sampler import contexts, filler_text, renamed
from training.sensitivity.tagger_data import CORPORA, Row, is_held_out, read_corpora, skeleton, varied
from training.sensitivity.tagger_export import integer_graph
from training.sensitivity.tagger_learning import Weights, in_names, maybe_names
from training.sensitivity.tagger_pipeline import generated_rows

LEXICON = Lexicon(
    first=frozenset({"anna", "paris"}),
    last=frozenset({"beck"}),
    known=frozenset({"anna"}),
    places=frozenset({"paris", "rome"}),
    common=tuple(f"word{i}" for i in range(200)),
)
ROW = Row("Ask Anna Beck, please.", ((4, 13),), "presidio_synth_v2", gold=True, test=False, group="g")


def _item(text: str, name: str) -> dict[str, object]:
    start = text.index(name)
    return {"text": text, "spans": [{"start": start, "end": start + len(name), "label": "PERSON"}]}


def test_template_is_the_text_without_values() -> None:
    """Two fillings of one template share a skeleton, and so a side of the split."""
    one, other = _item("My name is Ann.", "Ann"), _item("my name is Zed!", "Zed")
    assert skeleton(one) == skeleton(other) == "my name is"
    assert is_held_out(one, "presidio_synth_v2") == is_held_out(other, "presidio_generated_large")


def test_reads_every_corpus(tmp_path: Path) -> None:
    """Rows come with the corpus's own label for persons; the value "nan" is no name."""
    for name, label in CORPORA.items():
        spans = [{"start": 0, "end": 3, "label": label or "OTHER"}]
        items = [
            {"text": text, "spans": spans, "doc_id": f"{name}/{i}", "source": "routing:x"}
            for i, text in enumerate(("Ann is in.", "nan is in."))
        ]
        content = "\n".join(json.dumps(item) for item in items)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(content.encode(), mtime=0))
    rows = read_corpora(tmp_path)
    assert len(rows) == 2 * len(CORPORA)
    assert {row.names for row in rows if row.text == "Ann is in." and row.gold} == {((0, 3),)}
    assert {row.names for row in rows if row.text == "nan is in."} == {()}
    assert {row.source for row in rows if not row.gold} == {"routing:x"}


def test_missing_corpus_says_what_to_do(tmp_path: Path) -> None:
    """A folder without the corpora is refused, with the remedy."""
    with pytest.raises(TrainingDataError) as caught:
        read_corpora(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'presidio_synth_v2.jsonl.gz'}: expected gzipped JSON lines, got none that can be read; "
        "set CLEARWAY_CORPORA"
    )


def test_copies_keep_names_in_their_place() -> None:
    """Copies in other cases differ from the text in case only."""
    rows = [Row(f"Ask Anna Beck {i}.", ((4, 13),), "x", gold=True, test=False, group="g") for i in range(40)]
    copies = list(varied(rows, seed=1))
    assert {copy.text[4:13] for copy in copies} == {"anna beck", "ANNA BECK"}
    assert all(copy.text.lower() in {row.text.lower() for row in rows} for copy in copies)
    assert copies == list(varied(rows, seed=1))


def test_renamed_copies_mark_the_new_names() -> None:
    """Another name stands where the old one stood, and the rest is as it was."""
    (copy,) = renamed([ROW], LEXICON, seed=3)
    ((start, end),) = copy.names
    assert copy.text == f"Ask {copy.text[start:end]}, please."
    assert copy.text[start:end] != "Anna Beck"


def test_contexts_mark_every_name() -> None:
    """Named contexts have a name each, the others none, and the same seed gives the same texts."""
    rows = list(contexts(LEXICON, seed=5, n_named=1, n_unnamed=1))
    named = [row for row in rows if row.names]
    assert len(named) > 100
    assert len(rows) - len(named) > 50
    assert all("{n}" not in row.text and "{w}" not in row.text for row in rows)
    assert rows == list(contexts(LEXICON, seed=5, n_named=1, n_unnamed=1))


def test_filler_text_has_no_names() -> None:
    """Sentences of ordinary words of several languages carry no name."""
    rows = list(filler_text(seed=1, n=1))
    assert len(rows) > 10
    assert all(not row.names for row in rows)


def test_generated_rows_mark_persons() -> None:
    """Prompts of the generator come with their names, on the side of the split that was asked for."""
    rows = generated_rows("test", 40, seed=1)
    assert all(row.test for row in rows)
    assert any(row.names for row in rows)


def test_title_and_comma_are_not_in_the_name() -> None:
    """Of "Dr. Beck, Anna" the two names are labelled."""
    text = "Dr. Beck, Anna called"
    tokens = tokenise(text)
    named = [word for word, is_in in zip(tokens.words, in_names(tokens, [(0, 14)]), strict=True) if is_in]
    assert named == ["Beck", "Anna"]


def test_unmarked_names_are_left_out() -> None:
    """In unmarked text a listed name and its neighbour may be names; a listed place is a place."""
    tokens = tokenise("Anna Zyx went to Paris")
    left_out = [w for w, is_out in zip(tokens.words, maybe_names(tokens, LEXICON), strict=True) if is_out]
    assert left_out == ["Anna", "Zyx"]


def test_common_words_stand_in_lower_case_outside_of_names() -> None:
    """A word counts where it is in lower case and no name, twice at least, most frequent first."""
    text = "the pump the pump the Anna Anna anna anna valve"
    row = Row(text, ((text.index("anna anna"), text.index(" valve")),), "x", gold=True, test=False, group="g")
    assert common_words([row]) == ["the", "pump"]


def test_lists_are_the_same_bytes_twice(tmp_path: Path) -> None:
    """Lists are a function of the rows and of Faker, and load as written."""
    rows = [Row("the pump the pump", (), "x", gold=True, test=False, group="g")]
    write_lists(tmp_path / "a", rows)
    write_lists(tmp_path / "b", rows)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    lexicon = load_lexicon(tmp_path / "a")
    assert {"jane", "wojciech", "jose"} <= lexicon.first
    assert lexicon.common[:2] == ("pump", "the")


def test_weight_out_of_range_is_refused() -> None:
    """A weight that 16 bits do not hold is refused, with the remedy."""
    rows = np.zeros(N_ROWS + N_SECOND_ROWS)
    rows[3] = 16.5
    with pytest.raises(TrainingDataError) as caught:
        integer_graph(Weights(rows, 1.0))
    assert str(caught.value) == (
        "weights: expected at most 15 in size, got a larger one; lower INVERSE_PENALTY"
    )
