# `make run` and `make test` need python3 (3.11 or newer) and make; they install the rest here.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
EDITOR := graphql_schema/graphiql
CLIENTS := tests/clients/node_modules/.installed
GRAPHIQL := $(EDITOR)/node_modules/.installed
# More than two cores can do: some always wait, for a process or a time limit.
JOBS ?= 3
# Each of these starts servers and processes of its own, which fill more than one core.
FAULT_JOBS ?= 2
# Where it is set (images of containers do), every process compiles all of our modules anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-faults test-clients check lint types contracts format bench lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) $(GRAPHIQL) ## Start everything on this machine and send a first mail (ARGS="--port 9000")
	@exec $(BIN)/letterbox dev $(ARGS)

test: $(READY) ## Run the tests against real MongoDB, Valkey and SMTP servers (ARGS="-k name")
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-faults: $(READY) ## Kill workers, API and servers under load, and count the mails (minutes)
	$(BIN)/python -m pytest -m faults tests/faults -n $(FAULT_JOBS) --dist worksteal $(ARGS)

test-clients: $(READY) $(CLIENTS) ## Try Apollo, urql, graphql-ws and the audits from npm (needs Node 20)
	$(BIN)/python -m pytest -m clients tests/clients -n 0 $(ARGS)

check: lint types contracts ## Lint, types and import contracts

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

format: $(READY) ## Format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Print the measured figures
	$(BIN)/python -m tests.bench $(if $(CASE),--case $(CASE)) $(ARGS)

lock: ## Renew the hashed lock files (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet $(LOCK_ARGS) \
	  -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet $(LOCK_ARGS) \
	  -c requirements.lock -o requirements-dev.lock

clean: ## Remove the virtual environment, the files of GraphiQL and the development data
	rm -rf $(VENV) $(EDITOR)/node_modules tests/clients/node_modules .letterbox

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Letterbox needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "python3 could not make a virtual environment; on Debian: apt install python3-venv"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(READY)

$(CLIENTS): tests/clients/package-lock.json
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# The browser files of GraphiQL. Without npm, or without its registry, browsers fetch them from a CDN.
$(GRAPHIQL): $(EDITOR)/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  npm ci --prefix $(EDITOR) --ignore-scripts --no-audit --no-fund --silent && touch $@ \
	  || echo "GraphiQL was not installed: npm ci failed. Browsers will load it from a CDN."; \
	fi
