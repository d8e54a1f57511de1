# Everything from nothing: each target makes the virtual environment it needs. PYTHON=python3.12 chooses another one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help demo test lint slow clean

help:
	@echo "make demo   train on real images for three minutes; needs Python 3.10+ and nothing else"
	@echo "make test   run the tests"
	@echo "make lint   check style and types"
	@echo "make slow   run the slow tests too (needs Chromium)"
	@echo "make clean  remove the virtual environment and caches; runs/ and saved_models/ stay"

demo: $(VENV)/installed
	$(BIN)/python train_gan.py article --minutes 2
	$(BIN)/python train_ae.py article --minutes 1

# Tests that share a trained or exported model form a group and run in one process.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup

slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" \
		|| { echo "Python 3.10 or newer is needed, $(PYTHON) is older: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: setup.cfg pyproject.toml | $(VENV)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: setup.cfg pyproject.toml | $(VENV)/python
	$(BIN)/python -m pip install --quiet --editable ".[dev,jax]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build *.egg-info
