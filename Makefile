# Everything here sets up what it needs: Python 3.11 to 3.13 and make are enough.
#
#   make demo    train, quantize and evaluate two models: handwritten digits (half a minute), and a keyword
#                spotter on speech that is synthesized first (some minutes); also demo-digits, demo-speech
#   make test    run the tests
#   make check   format, lint, types, import rules, generated docs
#
# The environment is in .venv; another Python: make PYTHON=python3.12 ...

VENV ?= .venv
BIN := $(VENV)/bin
FIND := for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done
PYTHON ?= $(shell $(FIND))
WORKERS ?= 2

.PHONY: help setup demo demo-digits demo-speech test test-slow check format docs bench clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/.ready: pyproject.toml constraints.txt $(wildcard setup.py)
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(BIN)/.ready

demo: demo-digits
	@echo
	@$(MAKE) --no-print-directory demo-speech

demo-digits: setup
	$(BIN)/mltk train digits --clean

demo-speech: setup
	$(BIN)/mltk train keyword_spotting_synthetic --clean

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture
	$(BIN)/python docs/generate.py --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup
	$(BIN)/python docs/generate.py

bench: setup
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
