"""Prices are read strictly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training.benchmark.prices import default_prices, read_prices

HEAD = "model_canonical,input_usd_per_mtok,output_usd_per_mtok\n"


def _file(folder: Path, text: bytes | str) -> Path:
    path = folder / "prices.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_price_of_a_token(tmp_path: Path) -> None:
    """Dollars per million become dollars a token; the first of two rows counts, and the second is named."""
    prices = read_prices(_file(tmp_path, HEAD + "a,2,4\nb,0,0\na,9,9\n"))
    table = pd.DataFrame({"model_canonical": ["a", "b", "c"]})
    input_usd, output_usd = prices.columns(table)
    np.testing.assert_allclose(input_usd, [2e-6, 0.0, np.nan])
    np.testing.assert_allclose(output_usd, [4e-6, 0.0, np.nan])
    assert prices.repeated == ("a",)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("model_canonical,input_usd_per_mtok\na,1\n", "expected the column output_usd_per_mtok, got none"),
        (
            HEAD + "a,1,1\nb,-1,1\n",
            "input_usd_per_mtok: expected US dollars from 0 up, got something else in row 2",
        ),
        (
            HEAD + "a,1,free\n",
            "output_usd_per_mtok: expected US dollars from 0 up, got something else in row 1",
        ),
        (HEAD + "a,1,\n", "output_usd_per_mtok: expected US dollars from 0 up, got something else in row 1"),
        (
            HEAD + "a,1,inf\n",
            "output_usd_per_mtok: expected US dollars from 0 up, got something else in row 1",
        ),
        (b"model_canonical\n\xff\xfe\n", "expected CSV, got UnicodeDecodeError"),
        ("", "expected CSV, got EmptyDataError"),
    ],
)
def test_bad_prices_are_refused(tmp_path: Path, text: bytes | str, error: str) -> None:
    """The text names the file, the column and the row."""
    path = _file(tmp_path, text)
    with pytest.raises(TrainingDataError) as caught:
        read_prices(path)
    assert str(caught.value) == f"{path}: {error}"


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error, not a table without prices."""
    with pytest.raises(TrainingDataError) as caught:
        read_prices(tmp_path / "none.csv")
    assert str(caught.value) == f"{tmp_path / 'none.csv'}: expected a file of prices, got none"


def test_default_lies_with_the_corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the corpora, or without prices among them, there is no default."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    assert default_prices() is None
    monkeypatch.setenv("CLEARWAY_CORPORA", str(tmp_path))
    assert default_prices() is None
    (tmp_path / "routing").mkdir()
    path = _file(tmp_path / "routing", HEAD)
    assert default_prices() == path
