"""List prices of the register's models, taken from the data bundled with genai-prices: no network.

`python -m training.seed_prices --register data/register` rewrites `prices.yaml`. A price that has not
changed keeps its row and date; one that has changed gets a new row, so old decisions can still be priced.
A model with a row of basis `example` is priced by the operator: its rows stay as they are, and no list
price is added.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices.data import providers as _package_providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices, TimeOfDateConstraint
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from clearway.errors import RegisterError

_HEADER = """\
# yaml-language-server: $schema=schema/prices.schema.json
# Prices: USD per million tokens, exact decimals in quotes, each from a day on until the model's next row.
#
# `list_price` rows are written by `python -m training.seed_prices --register data/register`: do not edit
# them. `example` rows are written by hand and kept by it, and no list price is added beside them: plausible
# costs to replace by your own, such as a negotiated price or the amortised cost of your hardware. Comments
# are not kept: say it in `source`.
"""


@dataclass(frozen=True, slots=True)
class _Step:
    """A price from `start` on (None: the package gives no start)."""

    start: date | None
    usd_per_mtok: tuple[str, str]  # input, output
    remark: str


def seed_prices(register: Path, seeded_on: date) -> str:
    """Text of `prices.yaml` for the models of a register.

    Args:
        register: Folder with `models.yaml` and, where there is one, the present `prices.yaml`.
        seeded_on: Day of seeding; a price without a known start is stated from this day on.

    Raises:
        RegisterError: A model lacks a price, is unknown to the register or to genai-prices, or the present
            file is newer than `seeded_on`.
    """
    models = _load(register / "models.yaml")["models"]
    path = register / "prices.yaml"
    present: dict[str, Any] = {"seeded_on": seeded_on, "prices": []}
    if path.exists():
        present = _load(path)
    if present["seeded_on"] > seeded_on:
        raise RegisterError(
            f"prices.yaml: expected a day of seeding from {present['seeded_on']} on, got {seeded_on}"
        )
    _check_known(present["prices"], {model["id"] for model in models})
    rows: list[dict[str, Any]] = []
    for model in models:
        rows += _rows(model, [row for row in present["prices"] if row["model"] == model["id"]], seeded_on)
    return _dump({"source": _package(), "seeded_on": seeded_on, "prices": rows})


def _check_known(rows: list[dict[str, Any]], models: set[str]) -> None:
    for row in rows:
        if row["model"] not in models:
            raise RegisterError(f"prices.yaml: {row['model']}: no such model; add it to models.yaml")


def _rows(model: dict[str, Any], present: list[dict[str, Any]], seeded_on: date) -> list[dict[str, Any]]:
    if any(row["basis"] == "example" for row in present):
        return present
    if "price_source" not in model:
        raise RegisterError(
            f"models.yaml: {model['id']}: expected a price_source here or a row of basis example"
            " in prices.yaml, got neither"
        )
    # A seeded row that is not yet in force is seeded anew: the package may have withdrawn it.
    rows = [row for row in present if row["effective_from"] <= seeded_on]
    name, steps = _package_prices(model)
    past = [step for step in steps if step.start is None or step.start <= seeded_on]
    for step in past[-1:] + steps[len(past) :]:
        if rows and (rows[-1]["input_usd_per_mtok"], rows[-1]["output_usd_per_mtok"]) == step.usd_per_mtok:
            continue
        row = _list_row(model["id"], _first_day(step, rows, seeded_on), step, name)
        rows = [*(r for r in rows if r["effective_from"] != row["effective_from"]), row]
    return rows


def _first_day(step: _Step, rows: list[dict[str, Any]], seeded_on: date) -> date:
    """Start of the step, unless unknown or no later than what the register has already stated."""
    if step.start is None or (rows and step.start <= rows[-1]["effective_from"]):
        return seeded_on
    return step.start


def _list_row(model_id: str, first_day: date, step: _Step, name: str) -> dict[str, Any]:
    return {
        "model": model_id,
        "effective_from": first_day,
        "input_usd_per_mtok": step.usd_per_mtok[0],
        "output_usd_per_mtok": step.usd_per_mtok[1],
        "basis": "list_price",
        "source": f"{_package()} {name}{step.remark}",
    }


def _package_prices(model: dict[str, Any]) -> tuple[str, list[_Step]]:
    """The package's name for the model, and its price steps, oldest first."""
    source = model["price_source"]
    found = _find(source["provider"], source["model"])
    if found is None:
        raise RegisterError(
            f"models.yaml: {model['id']}: {_package()} has no model {source['model']}"
            f" at provider {source['provider']}; correct price_source"
        )
    provider_id, info = found
    name = f"{provider_id}/{info.id}"
    if provider_id != source["provider"]:
        name += f", which {source['provider']} follows"
    if isinstance(info.prices, ModelPrice):
        return name, [_step(model["id"], None, info.prices)]
    if any(isinstance(price.constraint, TimeOfDateConstraint) for price in info.prices):
        name += "; base rate, other hours of the day differ"
    return name, [
        _step(model["id"], price.constraint.start_date if price.constraint else None, price.prices)
        for price in info.prices
        if not isinstance(price.constraint, TimeOfDateConstraint)
    ]


def _find(provider_id: str, model_id: str) -> tuple[str, ModelInfo] | None:
    """Exact id only: the package's own matching accepts prefixes and could pick another model."""
    by_id: dict[str, Provider] = {provider.id: provider for provider in _package_providers}
    if provider_id not in by_id:
        return None
    for candidate in (provider_id, *(by_id[provider_id].fallback_model_providers or ())):
        for info in by_id[candidate].models:
            if info.id == model_id:
                return candidate, info
    return None


def _step(model_id: str, start: date | None, price: ModelPrice) -> _Step:
    if price.input_mtok is None or price.output_mtok is None:
        raise RegisterError(
            f"models.yaml: {model_id}: {_package()} lacks a price for input or output tokens;"
            " correct price_source"
        )
    remark = ""
    if isinstance(price.input_mtok, TieredPrices):
        remark = f"; base tier, up to {price.input_mtok.tiers[0].start} input tokens"
    return _Step(start, (_base(price.input_mtok), _base(price.output_mtok)), remark)


def _base(price: Decimal | TieredPrices) -> str:
    return format((price.base if isinstance(price, TieredPrices) else price).normalize(), "f")


def _package() -> str:
    return f"genai-prices {version('genai-prices')}"


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def _dump(document: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda *_: True
    for row in document["prices"]:
        for key in ("input_usd_per_mtok", "output_usd_per_mtok", "source"):
            row[key] = DoubleQuotedScalarString(row[key])
    buffer = io.StringIO()
    yaml.dump(document, buffer)
    return _HEADER + buffer.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite `prices.yaml`; 0 done, 2 the register is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m training.seed_prices",
        description="Write prices.yaml of a register from the price data bundled with genai-prices.",
    )
    parser.add_argument("--register", type=Path, required=True, help="folder with models.yaml")
    parser.add_argument(
        "--seeded-on",
        type=date.fromisoformat,
        default=datetime.now(UTC).date(),
        help="day (default: today, UTC)",
    )
    options = parser.parse_args(arguments)
    try:
        text = seed_prices(options.register, options.seeded_on)
    except RegisterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    (options.register / "prices.yaml").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
