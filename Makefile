# What a person or CI calls; everything else is behind these. `make setup` is a dependency of each and costs nothing when
# nothing changed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-all check bench conformance dist lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
UV := $(BIN)/uv --quiet --no-config

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## build .venv from the hashed locks

$(STAMP): requirements/bootstrap.txt requirements/run.txt requirements/dev.txt pyproject.toml packages/sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make setup PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)"; exit 1; }
	@echo "setup: packages by hash into $(VENV)"
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/bootstrap.txt
	@$(UV) pip sync --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e packages/sdk -e .
	@touch $@

lock: $(BIN)/uv ## resolve requirements/*.in anew (add UPGRADE=1 for newer versions)
	@for name in bootstrap run dev; do \
	  (cd requirements && ../$(BIN)/uv --quiet --no-config pip compile --universal --generate-hashes --python-version 3.11 \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
	    $$name.in -o $$name.txt) || exit 1; \
	done

$(BIN)/uv:
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/bootstrap.txt
