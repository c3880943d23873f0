"""JSON Schemas of the register's files, for editors: `python -m clearway.register_schema` writes them."""

from __future__ import annotations

import json
from typing import Any, Final

from clearway.installation import data_folder
from clearway.register import ModelsFile, PricesFile, ProvidersFile, ReviewsFile
from clearway.strict_yaml import Strict

_FILES: Final[dict[str, type[Strict]]] = {
    "providers": ProvidersFile,
    "models": ModelsFile,
    "prices": PricesFile,
    "reviews": ReviewsFile,
}


def register_schemas() -> dict[str, str]:
    """Text of each schema, by the name of its file."""
    return {
        f"{name}.schema.json": json.dumps(_schema(name, model), indent=2, ensure_ascii=False) + "\n"
        for name, model in _FILES.items()
    }


def _schema(name: str, model: type[Strict]) -> dict[str, Any]:
    schema = model.model_json_schema()
    definitions = schema["$defs"]
    if name == "providers":  # reviews stand in a file of their own; only archived registers have them here
        del definitions["Provider"]["properties"]["review"], definitions["DatedReview"]
    heading = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"{name}.yaml"}
    return heading | {key: value for key, value in schema.items() if key != "title"}


def main() -> None:
    """Write the schemas into the shipped register."""
    folder = data_folder() / "register" / "schema"
    folder.mkdir(exist_ok=True)
    for name, text in register_schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
