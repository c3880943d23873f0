"""Seeding of list prices from the data bundled with genai-prices."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from clearway.errors import RegisterError
from training.seed_prices import _find, main, seed_prices

SHIPPED = Path(__file__).parents[2] / "data" / "register"
SHIPPED_ON = date(2026, 11, 23)
PACKAGE = "genai-prices 0.2.3"

MODELS = """\
models:
  - id: acme/large@us
    price_source: {provider: openai, model: gpt-4o}
"""
PRICES = """\
source: genai-prices 0.2.3
seeded_on: 2026-01-01
prices:
  - model: acme/large@us
    effective_from: 2026-01-01
    input_usd_per_mtok: "5"
    output_usd_per_mtok: "15"
    basis: BASIS
    source: "before"
"""


def register(folder: Path, models: str = MODELS, prices: str | None = None) -> Path:
    """A register folder with the given files."""
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    if prices is not None:
        (folder / "prices.yaml").write_text(prices, encoding="utf-8")
    return folder


def rows(text: str) -> list[tuple[date, str, str, str]]:
    """Day, input price, output price and basis of each row."""
    return [
        (r["effective_from"], r["input_usd_per_mtok"], r["output_usd_per_mtok"], r["basis"])
        for r in YAML(typ="safe").load(text)["prices"]
    ]


def test_seeding_on_another_day_reproduces_the_shipped_file_but_for_the_day() -> None:
    """Prices that have not changed keep their rows, byte for byte."""
    shipped = (SHIPPED / "prices.yaml").read_text(encoding="utf-8")
    text = seed_prices(SHIPPED, date(2026, 12, 24))
    assert text == shipped.replace("seeded_on: 2026-11-23", "seeded_on: 2026-12-24")


def test_seeding_from_the_example_rows_alone_gives_the_shipped_file(tmp_path: Path) -> None:
    """Every list price of the shipped file comes from the package, none from a hand."""
    document = YAML(typ="safe").load(SHIPPED / "prices.yaml")
    document["prices"] = [row for row in document["prices"] if row["basis"] == "example"]
    shutil.copy(SHIPPED / "models.yaml", tmp_path)
    YAML(typ="safe").dump(document, tmp_path / "prices.yaml")
    assert seed_prices(tmp_path, SHIPPED_ON) == (SHIPPED / "prices.yaml").read_text(encoding="utf-8")


def test_an_example_row_stays_and_no_list_price_is_added(tmp_path: Path) -> None:
    """The operator's own price wins over the list price."""
    text = seed_prices(register(tmp_path, prices=PRICES.replace("BASIS", "example")), SHIPPED_ON)
    assert rows(text) == [(date(2026, 1, 1), "5", "15", "example")]
    assert 'source: "before"' in text


def test_a_changed_list_price_gets_a_new_row_and_the_old_one_stays(tmp_path: Path) -> None:
    """Old decisions can still be priced."""
    text = seed_prices(register(tmp_path, prices=PRICES.replace("BASIS", "list_price")), SHIPPED_ON)
    assert rows(text) == [
        (date(2026, 1, 1), "5", "15", "list_price"),
        (SHIPPED_ON, "2.5", "10", "list_price"),
    ]


def test_an_announced_price_gets_a_row_from_its_day_on(tmp_path: Path) -> None:
    """The package's start dates become dates of the register, also those still to come."""
    models = MODELS.replace(
        "{provider: openai, model: gpt-4o}", "{provider: google, model: gemini-3.8-flash}"
    )
    text = seed_prices(register(tmp_path, models), SHIPPED_ON)
    assert rows(text) == [
        (SHIPPED_ON, "0.75", "3.75", "list_price"),
        (date(2027, 1, 1), "1.5", "7.5", "list_price"),
    ]


def test_context_windows_are_those_of_the_package_where_it_states_one() -> None:
    """What the register says of limits does not contradict its price source."""
    for model in YAML(typ="safe").load(SHIPPED / "models.yaml")["models"]:
        found = _find(**_source(model)) if "price_source" in model else None
        if found is not None and found[1].context_window is not None:
            assert model["context_window_tokens"] == found[1].context_window, model["id"]


def _source(model: dict[str, dict[str, str]]) -> dict[str, str]:
    source = model["price_source"]
    return {"provider_id": source["provider"], "model_id": source["model"]}


@pytest.mark.parametrize(
    ("models", "prices", "message"),
    [
        (
            MODELS.replace("gpt-4o", "gpt-none"),
            None,
            "models.yaml: acme/large@us: {it} has no model gpt-none at provider openai; correct price_source",
        ),
        (
            MODELS.replace("openai", "acme"),
            None,
            "models.yaml: acme/large@us: {it} has no model gpt-4o at provider acme; correct price_source",
        ),
        (
            MODELS.replace("gpt-4o", "moderation"),
            None,
            "models.yaml: acme/large@us: {it} lacks a price for input or output tokens; correct price_source",
        ),
        (
            "models:\n  - id: acme/large@us\n",
            None,
            (
                "models.yaml: acme/large@us: expected a price_source here or a row of basis example"
                " in prices.yaml, got neither"
            ),
        ),
        (
            MODELS.replace("large@us", "small@us"),
            PRICES.replace("BASIS", "example"),
            "prices.yaml: acme/large@us: no such model; add it to models.yaml",
        ),
        (
            MODELS,
            PRICES.replace("BASIS", "list_price").replace("seeded_on: 2026-01-01", "seeded_on: 2026-11-24"),
            "prices.yaml: expected a day of seeding from 2026-11-24 on, got 2026-11-23",
        ),
    ],
)
def test_what_cannot_be_priced_is_an_error(
    tmp_path: Path, models: str, prices: str | None, message: str
) -> None:
    """Each error names the file, the model and the remedy."""
    with pytest.raises(RegisterError, match=f"^{re.escape(message.format(it=PACKAGE))}$"):
        seed_prices(register(tmp_path, models, prices), SHIPPED_ON)


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    """Exit 0, and the file is what the function returns."""
    folder = register(tmp_path)
    assert main(["--register", str(folder), "--seeded-on", "2026-11-23"]) == 0
    assert (folder / "prices.yaml").read_text(encoding="utf-8") == seed_prices(folder, SHIPPED_ON)


def test_the_command_exits_2_and_writes_nothing_on_an_unknown_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong register leaves the prices as they were."""
    folder = register(tmp_path, MODELS.replace("gpt-4o", "gpt-none"))
    assert main(["--register", str(folder), "--seeded-on", "2026-11-23"]) == 2
    assert capsys.readouterr().err == (
        "error: models.yaml: acme/large@us: genai-prices 0.2.3 has no model gpt-none at provider openai;"
        " correct price_source\n"
    )
    assert not (folder / "prices.yaml").exists()
