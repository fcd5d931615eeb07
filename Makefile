# `make demo` and `make test` work from an empty machine with Python >= 3.11 and make. `make help` lists the rest.
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made-from-lock
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo lab test soak test-wheel lint docs bench wheel lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP)  ## make .venv with every development tool, from the locked versions

$(STAMP): requirements.lock.txt pyproject.toml setup/make-venv
	@sh setup/make-venv $(VENV)
	@touch $@

demo: setup  ## a seeded log of 200,000 events → store → report.html
	$(BIN)/onex-analytics demo

lab: setup  ## JupyterLab on the notebooks; it asks no host for news, updates or extensions
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/01_first_look.ipynb --LabApp.news_url=None \
	    --LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate \
	    --LabApp.extension_manager=readonly $(if $(filter 0,$(shell id -u)),--allow-root)

test: setup  ## everything the tests need, then the tests
	@sh setup/system-tools
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

soak: setup  ## the tests that take minutes, and every law with all its examples
	@sh setup/system-tools
	$(BIN)/python -m pytest -m "(soak or hypothesis) and not wheel" --hypothesis-profile soak --timeout 3600

test-wheel: setup  ## the wheel, built, installed into an empty environment and used
	$(BIN)/python -m pytest -m wheel tests/wheel --timeout 900

lint: setup  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## the pages and the reference, into build/docs (every warning is an error)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

bench: setup  ## every benchmark beside its peer; prints the bars
	$(BIN)/python -m benchmarks

wheel: setup  ## dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

lock: setup  ## renew requirements.lock.txt from pyproject.toml (no addresses, every file by its hash)
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet \
	    pyproject.toml --output-file requirements.lock.txt
	@! grep -nE '[a-z]+://' requirements.lock.txt || { echo "lock: an address stands in the file"; exit 1; }

clean:  ## what was made, but not .venv
	rm -rf dist build demo report.html .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
