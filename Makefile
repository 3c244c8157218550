# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where there is no GPU, PyTorch's CPU build saves gigabytes; set TORCH_INDEX= to take your index's own build.
TORCH_INDEX ?=

.PHONY: demo test lint format clean

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(TORCH_INDEX) torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

## demo: fuse the built-in scenes and write the pictures to demo/
demo: $(VENV)/.core
	$(BIN)/imfuse demo --output demo --overwrite

## test: run the tests
test: $(VENV)/.dev
	$(BIN)/python -m pytest

## lint: what CI checks beside the tests
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo
