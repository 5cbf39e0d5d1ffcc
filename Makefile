# Nurture: `make run` starts it, `make test` checks everything. Both install what they need first.

VENV := .venv
BIN := $(VENV)/bin
VENDOR := nurture/web/static/vendor
WORKERS ?= 2
PYTEST_ARGS ?=

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FROM_LOCK := $(PIP_INSTALL) --require-hashes --no-deps --no-build-isolation --requirement

.PHONY: help run setup setup-dev test check bench mutants lock clean
.DELETE_ON_ERROR:

help:
	@echo "make run        set up and start Nurture on http://127.0.0.1:8000"
	@echo "make setup      what running needs: $(VENV), the package, the front-end assets"
	@echo "make setup-dev  the same and the tools of tests"
	@echo "make test       everything that CI checks"
	@echo "make check      the part of it that runs no tests: style, types, layers"
	@echo "make bench      measure and write bench/results.json"
	@echo "make mutants    mutation tests of scoring, timing and sending (five minutes)"
	@echo "make lock       lock requirements*.in and package.json (newer versions: UPGRADE=--upgrade)"
	@echo "make clean      remove everything that make has made; var/ with your data stays"

run: setup
	@$(BIN)/nurture init
	@exec $(BIN)/nurture serve

# --- setting up: a stamp per step, so that a second call has nothing to do -----------------------

setup: $(VENV)/.package $(VENDOR)/.built

setup-dev: setup $(VENV)/.dev

$(VENV)/.made: scripts/make_venv.sh
	@echo "Making $(VENV) ..."
	@PYTHON="$(PYTHON)" scripts/make_venv.sh $(VENV)
	@touch $@

$(VENV)/.runtime: requirements-build.txt requirements.txt $(VENV)/.made
	@echo "Installing what running needs ..."
	@$(FROM_LOCK) requirements-build.txt
	@$(FROM_LOCK) requirements.txt
	@touch $@

$(VENV)/.package: pyproject.toml requirements.in $(VENV)/.runtime
	@$(PIP_INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing what tests need ..."
	@$(FROM_LOCK) requirements-dev.txt
	@touch $@

$(VENDOR)/.built: package.json package-lock.json requirements-node.txt scripts/make_assets.sh scripts/build_assets.mjs | $(VENV)/.runtime
	@echo "Installing and bundling the front-end assets ..."
	@scripts/make_assets.sh $(VENV)
	@touch $@

# --- checking ------------------------------------------------------------------------------------

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# The tests marked `alone` come second, on a machine that nothing else is using.
test: check
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not alone" --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/pytest -m alone --cov --cov-append --cov-report= $(PYTEST_ARGS) || test $$? -eq 5
	@$(BIN)/coverage report --fail-under=100 --include='nurture/domain/*' --format=total >/dev/null \
		|| { $(BIN)/coverage report --include='nurture/domain/*'; echo "nurture/domain must be covered to 100 %."; exit 1; }
	@$(BIN)/coverage report --fail-under=90
	@echo "All checks and tests passed."

bench: setup-dev
	$(BIN)/python -m bench

# A mutant's fate is remembered even when tests have changed, so each run begins anew.
mutants: setup-dev
	rm -rf mutants
	$(BIN)/mutmut run --max-children $(WORKERS)
	@$(BIN)/python scripts/check_mutants.py

# --- housekeeping --------------------------------------------------------------------------------

# PIP_FIND_LINKS is emptied because a machine's own wheel directory has no place in a lock file.
UV_COMPILE := env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(VENV)/lock/bin/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" $(UPGRADE)

lock: $(VENV)/.made
	@$(BIN)/python -m venv --clear $(VENV)/lock
	@$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check uv
	$(UV_COMPILE) requirements.in --output-file requirements.txt
	$(UV_COMPILE) requirements-build.in --output-file requirements-build.txt
	$(UV_COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(UV_COMPILE) requirements-node.in --output-file requirements-node.txt
	npm install --package-lock-only --ignore-scripts
	node scripts/strip_lock.mjs

clean:
	rm -rf $(VENV) $(VENDOR) node_modules build dist mutants htmlcov *.egg-info
	rm -rf .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
