# Every command a developer types. `make` alone lists them; each one first makes what it needs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),.tools/bin/uv)
# The environment of another project must not be mistaken for ours.
unexport VIRTUAL_ENV
export UV_NO_PROGRESS := 1

PYTHON := .venv/bin/python
RAPPORT := .venv/bin/rapport
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
READY := .venv/ready

CUSTOMERS ?= 2000
SEED ?= 7

.PHONY: help demo up down test faults kafka check fix bench docs release lock ready clean

help: ## Show this list
	@echo 'Rapport: a customer-relationship suite whose only memory is what happened.'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo CUSTOMERS=500 SEED=3      a smaller company, another one'
	@echo "  make test ARGS='tests/cli -k port'  some of the tests"

demo: ready ## Start everything, load a company of 2,000 customers, and say where to look
	@$(RAPPORT) up --detach > /dev/null
	@$(RAPPORT) demo load --customers $(CUSTOMERS) --seed $(SEED)
	@echo 'Stop it:             make down (the data stays in data/)'

up: ready ## Start broker, database, services and console; Ctrl-C stops them
	$(RAPPORT) up

down: ready ## Stop what `make demo` started
	$(RAPPORT) down

test: ready ## Run all tests
	$(PYTHON) -m pytest $(ARGS)

faults: ready ## Kill, stop and cut everything under load on both brokers, and count (ARGS='--seed 3' replays)
	$(PYTHON) -m tests.faults $(ARGS)

kafka: ready ## Run all tests that use a broker on Apache Kafka (needs Java 17 and Maven, or Docker)
	RAPPORT_TEST_BROKER=apache $(PYTHON) -m pytest $(ARGS)

check: ready ## Look at form, lint, types, imports and architecture, changing nothing
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pyright
	.venv/bin/lint-imports
	$(PYTHON) -m tests.contracts.museum
	$(PYTHON) -m pytest -q tests/architecture

fix: ready ## Let ruff put right what it can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: ready ## Measure, beside references in the same run, into benchmarks/reports/latest.json
	$(PYTHON) -m benchmarks.run

docs: ready ## Write golden files and docs/api anew from the code
	$(PYTHON) -m tests.contracts.regenerate
	$(PYTHON) -m tests.documents.regenerate

release: ready ## Freeze the events of this release: from now on they stay readable
	$(PYTHON) -m tests.contracts.museum release

lock: $(UV) ## Bring requirements.lock up to date with pyproject.toml; UPGRADE=1 takes newer versions
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) \
		$(foreach member,$(MEMBERS),--no-emit-package rapport-$(notdir $(member))) \
		--quiet --output-file requirements.lock

ready: $(READY)

clean: ## Remove what was made here, but never data/
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Only what is named in the lock, only with the hashes that stand there; then our own members, editable.
$(READY): requirements.lock pyproject.toml $(MEMBERS:=/pyproject.toml) | $(UV)
	@[ -x $(PYTHON) ] || $(UV) venv --quiet --python '>=3.11' .venv
	@echo 'installing what requirements.lock names into .venv'
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation $(addprefix --editable ,$(MEMBERS))
	@touch $@

.tools/bin/uv:
	@echo 'uv is not installed here; taking it into .tools'
	@python3 -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
