# Each target makes what it needs by itself; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

OLDEST := .venv-oldest
SAX := .venv-sax
CORE := tests/every_device tests/test_circuit.py tests/test_operating_point.py tests/test_waveforms.py tests/test_transient.py \
	tests/test_small_signal.py tests/test_noise_spectrum.py tests/test_optics.py tests/exchange/test_spice_reader.py

# Neighbouring tests stay on one worker, which has what they share in memory.
PYTEST := python -m pytest -n auto --dist worksteal

# On two cores jaxlib 0.9.2 sometimes waits for ever inside XLA; with more threads, as NPROC says, it has not been seen to.
MANY_THREADS := NPROC=16 timeout 1200

.PHONY: help run test test-slow test-all test-versions lint bench results claims clean

help:
	@echo "make run    simulate the first chip and leave its report under runs/"
	@echo "make test   run the tests (test-slow: only the long ones; test-all: both)"
	@echo "make test-versions  run the tests of the core with the oldest JAX, and with the one that SAX wants"
	@echo "make lint   check style and types"
	@echo "make bench  time the package beside its peers, one thread"
	@echo "make results  measure every chip and rewrite the table in circuits/README.md"
	@echo "make claims  measure what was published of the oscillator memory and rewrite its table there"

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "devsim needs Python 3.11 or newer; set PYTHON=path/to/python3.11." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

run: $(INSTALLED)
	$(BIN)/devsim run sto-hopfield --dies 16

test: $(INSTALLED)
	$(BIN)/$(PYTEST) -m 'not slow'

test-slow: $(INSTALLED)
	$(BIN)/$(PYTEST) -m slow

test-all: test test-slow

$(OLDEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --upgrade pip
	$(OLDEST)/bin/python -m pip install --quiet --editable '.[dev]' 'jax==0.7.2' 'jaxlib==0.7.2'
	@touch $@

$(SAX)/.installed: pyproject.toml
	$(PYTHON) -m venv $(SAX)
	$(SAX)/bin/python -m pip install --quiet --upgrade pip
	$(SAX)/bin/python -m pip install --quiet --editable '.[dev,sax]'
	@touch $@

test-versions: $(OLDEST)/.installed $(SAX)/.installed
	$(OLDEST)/bin/$(PYTEST) -m 'not slow' $(CORE)
	$(MANY_THREADS) $(SAX)/bin/$(PYTEST) tests/external/test_scattering_sax.py tests/exchange/test_sax.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(INSTALLED)
	$(BIN)/python benchmarks/crossbar.py
	$(BIN)/python benchmarks/fits.py
	$(BIN)/python benchmarks/graph.py
	$(BIN)/python benchmarks/mesh.py
	$(BIN)/python benchmarks/oscillators.py
	$(BIN)/python benchmarks/spiking.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/transient.py

results: $(INSTALLED)
	$(BIN)/python -m circuits.results

claims: $(INSTALLED)
	$(BIN)/python -m circuits.sto_hopfield_claims

clean:
	rm -rf $(VENV) $(OLDEST) $(SAX) runs .pytest_cache .ruff_cache .hypothesis build dist
