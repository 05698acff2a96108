# What a person and CI call; everything else is behind these. `make setup` stands before each and costs nothing when
# nothing has changed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-all check bench soak conformance reference dist lock clean

PYTHON ?= python3
DB ?= sqlite
DIST ?= dist
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Where the system keeps its certificates in one file, uv believes them, like git and curl do.
UV := $(BIN)/uv --quiet --no-config $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)
PYTEST := $(BIN)/python -m pytest -q
# Two workers; the tests of one file stay together, and so do the processes that they share.
BOTH := -n 2 --dist loadfile

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 14

setup: $(STAMP) ## build .venv from the hashed locks

demo: $(STAMP) ## watch one call go through the house (DB=postgres for PostgreSQL)
	@$(BIN)/python -m demo --database $(DB)

test: $(STAMP) ## the test suite, with every branch of the pure floors taken by tests/unit
	@$(PYTEST) tests/unit $(BOTH) --cov --cov-config=tests/unit/coverage.ini --cov-report=term-missing:skip-covered
	@$(PYTEST) tests --ignore=tests/unit $(BOTH) -m "not slow"

test-all: $(STAMP) ## the test suite, what takes longer (wheels, kill -9), and the share of changed lines that is run
	@$(PYTEST) tests/unit $(BOTH) --cov --cov-config=tests/unit/coverage.ini --cov-report=term-missing:skip-covered
	@$(PYTEST) tests $(BOTH) --cov --cov-report= -p tests.laws.changed_lines

check: $(STAMP) ## lint, types, import contracts, laws
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@mkdir -p build
	@PYTHONPATH=src:packages/sdk/src $(BIN)/lint-imports --no-logo > build/contracts.txt 2>&1 || { cat build/contracts.txt; exit 1; }
	@$(PYTEST) tests/laws

bench: $(STAMP) ## measure the figures beside their peers (ONLY=guard_hot for one, RECORDS=10000000 for a longer log)
	@$(BIN)/python -m bench.run $(if $(ONLY),--only $(ONLY)) $(if $(RECORDS),--records $(RECORDS))

soak: $(STAMP) ## let two nodes and guarded servers run under load while everything happens to them (MINUTES=10)
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10)

conformance: $(STAMP) ## run the judges that no one here wrote, as far as they apply
	@$(BIN)/python -m tests.conformance

reference: $(STAMP) ## write anew what the documentation takes from the program
	@$(BIN)/python -m tests.docs.reference

dist: $(STAMP) ## build both wheels into dist/, beside the hashes of all that they need (DIST=folder for elsewhere)
	@rm -f $(DIST)/*.whl $(DIST)/requirements.txt
	@$(UV) build --wheel --no-build-isolation --python $(BIN)/python --out-dir $(DIST) .
	@$(UV) build --wheel --no-build-isolation --python $(BIN)/python --out-dir $(DIST) packages/sdk
	@cp requirements/run.txt $(DIST)/requirements.txt
	@ls $(DIST)/*.whl $(DIST)/requirements.txt

lock: $(BIN)/uv ## resolve requirements/*.in anew (UPGRADE=1 for newer versions)
	@for name in bootstrap run dev; do \
	  (cd requirements && ../$(UV) pip compile --universal --generate-hashes \
	    --python-version 3.11 --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	    $(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt) || exit 1; \
	done

clean: ## remove everything that the targets have made
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@find src packages tests demo bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements/bootstrap.txt requirements/run.txt requirements/dev.txt pyproject.toml packages/sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make setup PYTHON=python3.11"; exit 1; }
	@echo "setup: packages by hash into $(VENV)"
	@$(MAKE) --silent --no-print-directory $(BIN)/uv
	@$(UV) pip sync --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e packages/sdk -e .
	@mkdir -p build
	@touch $@

$(BIN)/uv: requirements/bootstrap.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)"; exit 1; }
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/bootstrap.txt
	@touch $@
