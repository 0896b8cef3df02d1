# Two commands do all: `make run` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUN    ?= runs/sentiment
LESSON ?= 00

.PHONY: run test check check-long lint docs course bench clean help

help:
	@echo "make run         set up, train on real film reviews, write a report page"
	@echo "make test        set up, run everything that guards the project"
	@echo "make check       the same without the set-up; make check-long adds the tests that take longer"
	@echo "make docs        build the site of docs/, its how-tos executed: docs/_build/html/index.html"
	@echo "make course      open lesson 00 in JupyterLab; make course LESSON=07 another"
	@echo "make bench       measure against the peers, write benchmarks/results, docs/benchmarks.md and the README's rows"

run: $(READY)
	@$(BIN)/lingon train sentiment --out $(RUN) $(if $(wildcard $(RUN)/run.json),--overwrite)

test: $(READY) check

check: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long"

check-long: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/codespell

# tests/docs/test_site.py builds it too.
docs: $(READY)
	$(BIN)/python -m sphinx -W -q -j 2 docs docs/_build/html

course: $(READY)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[course]"
	$(BIN)/lingon learn open $(LESSON)

bench: $(READY)
	$(BIN)/python -m benchmarks $(if $(PEER),--peer $(PEER),--all)

# The stamp is made last, so a set-up that was stopped starts again.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lingon needs Python 3.11 or newer; set PYTHON=python3.12 or the like")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up in $(VENV): PyTorch and what else is needed, a few minutes the first time"
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]"
	touch $(READY)

clean:
	rm -rf $(VENV) docs/_build .pytest_cache .ruff_cache .mypy_cache .import_linter_cache dist
