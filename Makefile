# Everything sets itself up: a virtual environment in .venv, the build, the install.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
NATIVE_SOURCES := CMakeLists.txt $(shell find native -name '*.cpp' -o -name '*.h')
PYTEST := $(BIN)/python -m pytest -q -p no:cacheprovider
JOBS ?= 2

.PHONY: help demo test test-native test-reference parity lint types wheel bench native sanitize clean

help:
	@echo "make demo    train a network on handwritten digits, with pictures, in under a minute"
	@echo "make test    the whole test suite, on the native kernels and on the NumPy reference"
	@echo "make parity  the tests against an installed PyTorch 2.13.0"
	@echo "make bench   the speed tables beside PyTorch"
	@echo "make sanitize  the native kernels' tests under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer"
	@echo "make lint    ruff; make types: mypy; make wheel: build a wheel into dist/"

.venv/ready: pyproject.toml $(NATIVE_SOURCES)
	@test -n "$(PYTHON)" || { echo "Rushlight needs Python 3.11 or newer; none was found. Try: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv with $(PYTHON): the first time takes a minute or two."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/ready
	$(BIN)/python -m rushlight demo

test: test-native test-reference

test-native: .venv/ready
	$(PYTEST) -n $(JOBS) tests --ignore=tests/parity

test-reference: .venv/ready
	RUSHLIGHT_NATIVE=0 $(PYTEST) -n $(JOBS) tests --ignore=tests/parity

parity: .venv/ready
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(PYTEST) -n $(JOBS) tests/parity

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

native: .venv/ready
	PYTHON=$(abspath $(BIN)/python) tools/build_native.sh

sanitize: .venv/ready
	PYTHON=$(abspath $(BIN)/python) tools/sanitize.sh

wheel: .venv/ready
	$(BIN)/python -m build --wheel --outdir dist .

bench: .venv/ready
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv build dist runs .pytest_cache .mypy_cache .ruff_cache
