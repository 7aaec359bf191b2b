# Every target installs what it needs into .venv first; a second run starts at once.
PYTHON ?= python3
PORT ?= 7860
SHARE ?=
BIN := .venv/bin
# uv comes from PyPI into a folder of its own, so that neither ensurepip nor a system-wide
# installation is needed.
UV := .venv/tools/bin/uv

.PHONY: help app test check fix mutants verify table space clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

app: .venv/installed-app ## serve the demo on http://127.0.0.1:7860 (PORT=…, SHARE=1)
	PORT=$(PORT) SHARE=$(SHARE) $(BIN)/python app.py

test: check ## lint, check types, run every test
	$(BIN)/python -m pytest

check: .venv/installed-dev ## lint and check types only
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/installed-dev ## mend what the linter can mend
	$(BIN)/ruff check --fix .

mutants: .venv/installed-dev ## break the product line by line: what do the tests miss? (COUNT=…, SEED=…)
	$(BIN)/python tests/mutation/mutants.py $(COUNT:%=--count %) $(SEED:%=--seed %)

verify: .venv/installed-app ## measure every shipped checkpoint again and compare
	$(BIN)/python -m evaluation verify checkpoints/*/

table: .venv/installed-app ## write the README's score table from the stored numbers
	$(BIN)/python -m evaluation table

space: .venv/installed-app ## create or update a Space: make space SPACE=you/duet
	$(BIN)/python -m training space $(SPACE)

clean: ## remove the environment and caches, never runs/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .gradio

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--target .venv/tools uv==0.13.9
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv

.venv/installed-app: requirements.txt | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed-app
	$(UV) pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	touch $@
