# Every target sets up what it needs; CI calls the same ones.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed
# Where the shared corpora lie beside a checkout, unless the environment says otherwise.
CORPORA := $(wildcard ../shared/data)
ifneq ($(CORPORA),)
export CLEARWAY_CORPORA ?= $(abspath $(CORPORA))
endif
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export ORT_DISABLE_TELEMETRY := 1
export TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS :=

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-systems lint types check bench bench-report demo example-report default-bundle sensitivity-bundle schemas prices requirements clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the virtual environment and install everything, by hash

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

serve: setup ## Serve decisions on http://127.0.0.1:8080 (ARGS="--port 9000")
	@$(BIN)/clearway serve $(ARGS)

test: setup ## Run the tests (at most 10 minutes on 2 cores)
	$(BIN)/python -m pytest -q -m "not systems" -n 2 --dist loadfile $(ARGS)

test-systems: setup ## Run the tests with real servers, kills and long statistics
	$(BIN)/python -m pytest -q -m systems $(ARGS)

lint: setup ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup ## Check types (mypy, strict)
	$(BIN)/mypy

check: lint types test ## Everything a commit must pass

bench: setup ## Time one decision by stage and size, beside stock Presidio
	@$(BIN)/python -m training.bench $(ARGS)

bench-report: setup ## Time the evaluation report at 0.1, 1 and 10 million rows (ARGS="--engine 'local[*]'")
	@$(BIN)/python -m training.report.analysis.bench $(ARGS)

demo: setup ## Route real prompts (the corpora, else data/samples) and show what came of it
	@$(BIN)/python -m training.demo $(ARGS)

default-bundle: setup ## Train the shipped bundle again (needs CLEARWAY_CORPORA)
	$(BIN)/python -m training.ship $(ARGS)

sensitivity-bundle: setup ## Train the shipped sensitivity bundle again (needs CLEARWAY_CORPORA)
	$(BIN)/python -m training.sensitivity.ship $(ARGS)

example-report: setup ## Make the report of data/report and the README's chart and table again (needs CLEARWAY_CORPORA)
	$(BIN)/clearway report --answers $(CLEARWAY_CORPORA)/routing/graded_answers.parquet --out data/report/answers.html --no-mlflow
	$(BIN)/python -m training.report.page.readme

schemas: setup ## Write the JSON Schemas of the register again, after a field changed
	$(BIN)/python -m clearway.register_schema

prices: setup ## Seed data/register/prices.yaml again from the installed genai-prices
	$(BIN)/python -m training.seed_prices --register data/register $(ARGS)

requirements: setup ## Compile requirements.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --output-file requirements.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
