PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
STAC_SERVER := build/stac-server/bin/python

.PHONY: run test walks check bench faults validation second-reader stac-server hub-served flight fuzz portal-load pictures clean

# The main job on the embedded default: a simulated region, no accounts, no network but the package index.
run: $(ENV)/.ready
	$(BIN)/agro run --set output.after_run=false
	$(BIN)/agro review
	$(BIN)/agro outlook --export build/board

# Two halves at once, which take about as long: one a core.
test: $(ENV)/.ready
	@$(BIN)/python -m pytest -q tests/flows tests/faults & half=$$!; \
	$(BIN)/python -m pytest -q tests --ignore=tests/flows --ignore=tests/faults --ignore=tests/portal/test_walks.py; rest=$$?; \
	wait $$half && exit $$rest

check: $(ENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validation: $(ENV)/.ready
	$(BIN)/python bench/validation.py

# People's ways through the portal in a real browser.
walks: $(ENV)/.ready
	$(BIN)/python -m pytest -q tests/portal/test_walks.py

# A reader of task data that nobody here wrote, for the tests; without npm they say that it was not there.
second-reader:
	@command -v npm >/dev/null || { echo "npm is not installed: the second reader of task data stays away"; exit 0; }; \
	test -d build/second-reader/node_modules/isoxml || \
	npm install --prefix build/second-reader --no-save --no-package-lock --ignore-scripts --no-audit --no-fund isoxml@1.11.2 || \
	echo "npm cannot bring isoxml: the second reader of task data stays away"

# A real STAC API server for the tests, in an environment of its own: it does not run beside the newer FastAPI of ours.
# `make test` finds it; without it the tests of the door to STAC APIs say that it was not there.
stac-server: $(STAC_SERVER)

$(STAC_SERVER):
	$(PYTHON) -m venv build/stac-server.new
	build/stac-server.new/bin/python -m pip install --quiet --disable-pip-version-check \
	  "stac-fastapi-static==1.0.1" "fastapi<0.116" "starlette<0.47" "uvicorn<0.55"
	rm -rf build/stac-server && mv build/stac-server.new build/stac-server

# Real passes through the client of Sentinel Hub and a peer on loopback, published by `agro serve` itself.
hub-served: $(ENV)/.ready
	AGRO_SLOW=1 $(BIN)/python -m pytest -q -s tests/real/test_hub_served.py

# A UAV flight over a simulated field, put aside and mis-scaled on purpose: found, corrected, published. build/flight
flight: $(ENV)/.ready
	$(BIN)/python bench/flight.py

bench: $(ENV)/.ready
	$(BIN)/python bench/speed.py

# Kills, torn files, full disks, flipped bytes, a season with faults: under half an hour; writes docs/reliability.md.
faults: $(ENV)/.ready
	$(BIN)/python tests/faults/proof.py

# Many questions that nobody thought of to every route of the API: some minutes.
fuzz: $(ENV)/.ready
	AGRO_FUZZ=400 HYPOTHESIS_PROFILE=new $(BIN)/python -m pytest -q tests/portal/test_any_question.py

# The portal's pages in real Chromium, over what `make run` left.
pictures: $(ENV)/.ready
	$(BIN)/python bench/portal_pictures.py

# The portal under load, beside titiler, on a store: `make portal-load STORE=store`.
STORE ?= store
portal-load: $(ENV)/.ready
	$(BIN)/python bench/portal_load.py $(STORE)

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
