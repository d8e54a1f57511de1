# Everything from scratch: each target makes the virtual environment that it needs.
# PYTHON=… chooses an interpreter; by default it is the first one below that is new enough.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(python) -c "$(NEW_ENOUGH)" 2>/dev/null && echo $(python))))
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint slow clean

help:
	@echo "make demo   train on real images, about five minutes in all; needs only Python 3.11+"
	@echo "make test   run the tests"
	@echo "make lint   check style and types"
	@echo "make slow   run the slow tests too (needs Chromium)"
	@echo "make clean  remove the virtual environment and caches; runs/ and saved_models/ stay"

demo: $(VENV)/installed
	$(BIN)/python train_gan.py --minutes 2
	$(BIN)/python train_ae.py article --minutes 1

# Trained folders are shared by all processes, see tests/conftest.py: any test may run in any of them.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations=25

slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/created:
	@$(or $(PYTHON),false) -c "$(NEW_ENOUGH)" || { echo "Python 3.11 or newer is needed (Keras 3.15 asks for it)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: setup.cfg pyproject.toml | $(VENV)/created
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: setup.cfg pyproject.toml | $(VENV)/created
	$(BIN)/python -m pip install --quiet --editable ".[dev,jax]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build *.egg-info
