# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
# UFLUX_DATA names the folder with real data, where there is one; without it their tests skip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?=
comma := ,
WANTED := dev$(if $(EXTRAS),$(comma)$(EXTRAS))
STAMP := $(VENV)/.installed-$(subst $(comma),-,$(WANTED))
ifneq ($(wildcard ../shared/data),)
export UFLUX_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test test-data bench docs lint format clean install

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(WANTED)]"
	touch $@

demo: $(STAMP)
	$(BIN)/uflux-stats run --out demo-run
	$(BIN)/uflux-stats report --all --run demo-run

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-data: $(STAMP)
	$(BIN)/python -m pytest -m slow

bench: $(STAMP)
	$(BIN)/python -m pytest tests/benchmarks -s
	$(BIN)/python tests/benchmarks/trends_against_loop.py
	$(BIN)/python tests/benchmarks/cube_statistics.py memory

docs: $(STAMP)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo-run build dist docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache
