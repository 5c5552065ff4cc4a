# Everything installs into .venv when it is missing. Offline or private indexes: PIP_ARGS="--find-links DIR".
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)
WORKERS ?= 2
METHODS := single self_consistency best_of_n best_of_n:weighted=true beam_search dvts particle_filtering budget_forcing

.DEFAULT_GOAL := help
.PHONY: help setup demo environments test test-trl test-verl bench lint clean

help:
	@echo "make demo   install what is needed, compare eight methods on the bundled model, write demo/report.html"
	@echo "make test   all tests but those that need vLLM"
	@echo "make test-trl test-verl   the tests with TRL and with verl, each in an environment of its own"
	@echo "make environments   only install those"
	@echo "make lint   format, lint, types"
	@echo "make bench  speed, side by side with peers, into benchmarks/results.json"
	@echo "make setup  only install, for development"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

# One stamp a set of extras: installing again costs nothing while neither file changed.
$(VENV)/.installed-local: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[local]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed-local

setup: $(VENV)/.installed-dev

demo: $(VENV)/.installed-local
	$(BIN)/thinkwell compare --task lab/arithmetic --methods $(METHODS) --limit 100 --seed 0 --budget tokens=1024 --out demo

# One torch thread a worker: two workers with two threads each would fight for two cores.
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# TRL and verl bring hundreds of packages, and verl other versions of ours: an environment each, for their tests alone. A ready one may be named.
TRL_VENV := $(or $(THINKWELL_TRL_VENV),.venv-trl)
VERL_VENV := $(or $(THINKWELL_VERL_VENV),.venv-verl)
OURS := torch==2.13.0 antlr4-python3-runtime httpx hypothesis math-verify pydantic pytest pyyaml rich tokenizers typer
ELSEWHERE = -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)

$(TRL_VENV)/.installed-1.16:
	$(PYTHON) -m venv $(TRL_VENV)
	$(TRL_VENV)/bin/python $(ELSEWHERE) --constraint constraints.txt 'trl>=1.16,<1.17' requests peft $(OURS)
	@touch $@

$(VERL_VENV)/.installed-0.9.1:
	$(PYTHON) -m venv $(VERL_VENV)
	$(VERL_VENV)/bin/python $(ELSEWHERE) verl==0.9.1 'TransferQueue>=0.1.10' cachetools fastapi uvicorn $(OURS)
	@touch $@

# One after another: an installation keeps one core busy, and the others belong to what runs meanwhile.
environments: $(TRL_VENV)/.installed-1.16
	$(MAKE) $(VERL_VENV)/.installed-0.9.1

test-trl: $(TRL_VENV)/.installed-1.16
	OMP_NUM_THREADS=1 PYTHONPATH=src $(TRL_VENV)/bin/python -m pytest -q -m trl tests/training/test_trl*.py

test-verl: $(VERL_VENV)/.installed-0.9.1
	OMP_NUM_THREADS=1 PYTHONPATH=src $(VERL_VENV)/bin/python -m pytest -q -m verl tests/training/test_verl*.py

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/run.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
