# Everything here sets up what it needs: Python 3.11 to 3.13 and make are enough.
#
#   make demo    train, quantize and evaluate two models: handwritten digits (half a minute), and a keyword
#                spotter on speech that is synthesized first (some minutes), then as C code on an emulated
#                Cortex-M4; also demo-digits, demo-speech
#   make test    run the tests; more arguments for pytest: make test PYTEST_ARGS="tests/tflite -x"
#   make check   format, lint, spelling, types, import rules, generated docs
#   make docs    write the generated pages, and the documentation as a site in build/site
#   make dist-test   build the source distribution and, from it, the wheel; install the wheel in an environment of its
#                    own and run the tests against it
#
# The environment is in .venv; another Python: make PYTHON=python3.12 ...

VENV ?= .venv
BIN := $(VENV)/bin
FIND := for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done
PYTHON ?= $(shell $(FIND))
WORKERS ?= 2
SOURCES_C := $(wildcard $(addprefix src/mltk/,device/*.[ch] native/*.[ch] native/*.inc))
C_FILES := $(SOURCES_C) $(wildcard src/mltk/device/kernels/*.[ch] src/mltk/browser/module/*.[ch] tests/device/*.c)
# Not in the checkout: the tests must not find the sources there.
DIST_TEST ?= $(or $(TMPDIR),/tmp)/openmltk-dist-test

.PHONY: help setup demo demo-digits demo-speech test test-slow dist-test check format docs bench clean

help:
	@sed -n 's/^#   //p' Makefile

# The C files too: the extensions are compiled when the package is installed.
$(BIN)/.ready: pyproject.toml constraints.txt setup.py src/mltk/native/_build.py $(SOURCES_C)
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
	@echo
	$(BIN)/mltk compile keyword_spotting_synthetic --output build/keyword_spotting_synthetic
	@echo
	$(BIN)/mltk parity keyword_spotting_synthetic --emulate cortex-m4

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow

# What a user gets: no file of the checkout, and no src folder, is in reach of these tests. The rules of tests/architecture
# are for the source itself.
dist-test:
	rm -rf $(DIST_TEST)
	$(PYTHON) -m venv $(DIST_TEST)/build
	$(DIST_TEST)/build/bin/python -m pip install --quiet --disable-pip-version-check build
	$(DIST_TEST)/build/bin/python -m build --outdir $(DIST_TEST)/dist .
	$(PYTHON) -m venv $(DIST_TEST)/env
	$(DIST_TEST)/env/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  "$$(echo $(DIST_TEST)/dist/*.whl)[dev]"
	mkdir $(DIST_TEST)/sdist
	tar -xzf $(DIST_TEST)/dist/*.tar.gz -C $(DIST_TEST)/sdist --strip-components 1
	rm -rf $(DIST_TEST)/sdist/src
	cd $(DIST_TEST)/sdist && $(DIST_TEST)/env/bin/python -m pytest -n $(WORKERS) --dist loadfile --ignore tests/architecture

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture
	$(BIN)/python docs/generate.py --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

docs: setup $(BIN)/.docs-ready
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The documentation is in build/site/index.html."

$(BIN)/.docs-ready: $(BIN)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

bench: setup
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
