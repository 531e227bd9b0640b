PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin

.PHONY: run test check bench validation clean

# The main job on the embedded default: a simulated region, no accounts, no network but the package index.
run: $(ENV)/.ready
	$(BIN)/agro run
	$(BIN)/agro review

test: $(ENV)/.ready
	$(BIN)/python -m pytest -q

check: $(ENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validation: $(ENV)/.ready
	$(BIN)/python bench/validation.py

bench: $(ENV)/.ready
	$(BIN)/python bench/one_pass.py

clean:
	rm -rf $(ENV) build store

# The environment, made once for each lock file.
$(ENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(ENV)
	@echo "Installing what is missing into $(ENV); this takes a minute or two the first time ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
