# Each target makes what it needs by itself; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help run test test-slow test-all lint bench results clean

help:
	@echo "make run    simulate the first chip and leave its report under runs/"
	@echo "make test   run the tests (test-slow: only the long ones; test-all: both)"
	@echo "make lint   check style and types"
	@echo "make bench  time the package beside its peers, one thread"
	@echo "make results  measure every chip and rewrite the table in circuits/README.md"

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "devsim needs Python 3.11 or newer; set PYTHON=path/to/python3.11." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

run: $(INSTALLED)
	$(BIN)/devsim run crossbar-hopfield

test: $(INSTALLED)
	$(BIN)/python -m pytest -m 'not slow' -n auto

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow -n auto

test-all: test test-slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(INSTALLED)
	$(BIN)/python benchmarks/crossbar.py
	$(BIN)/python benchmarks/graph.py

results: $(INSTALLED)
	$(BIN)/python -m circuits.results

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .hypothesis build dist
