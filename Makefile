# Every target installs what it needs into .venv first; a second run starts at once.
PYTHON ?= python3
PORT ?= 7860
SHARE ?=
BIN := .venv/bin
# uv comes from PyPI into a folder of its own, so that neither ensurepip nor a system-wide
# installation is needed.
UV := .venv/tools/bin/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
# uv cannot mend the package that it was stopped in. So the stamp installed-app is there only while
# nothing is under way; an environment without it, or that does not run, is made from nothing.
WHOLE := $(shell { test -e .venv/installed-app && $(UV) -V && $(BIN)/python -V; } >/dev/null 2>&1 \
	&& echo yes)
# uv takes an empty choice of PyTorch's build for a wrong one.
ifeq ($(strip $(UV_TORCH_BACKEND)),)
unexport UV_TORCH_BACKEND
endif
# What checks the stage's types and its accessibility: from npm, where that is.
NODE_TOOLS := typescript@5.9.3 axe-core@4.11.4
TSC := node_modules/.bin/tsc
# Whether PyTorch's own index answers, and has our versions for this machine's GPU or its absence.
HAS_BUILD := grep -E '^torch(vision)?==' requirements.txt \
	| UV_HTTP_CONNECT_TIMEOUT=3 UV_HTTP_TIMEOUT=5 UV_HTTP_RETRIES=0 $(UV) pip compile --quiet \
	--no-deps --python $(BIN)/python --torch-backend auto - >/dev/null 2>&1

BACKEND = if [ -z "$$UV_TORCH_BACKEND" ] && $(HAS_BUILD); then export UV_TORCH_BACKEND=auto; fi;

# A release or a Space without its name is refused before anything is installed.
asked = $(if $(filter $1,$(MAKECMDGOALS)),$(if $($2),,$(error $2 is missing: make $1 $2=$3)))
$(call asked,release,RUN,runs/mnist-gan)
$(call asked,space,SPACE,you/duet)

.PHONY: help app test check fix mutants bench-evaluation bench-training race verify table release space site bench-stage bench-app film clean venv

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

app: .venv/installed-app ## serve the demo on http://127.0.0.1:7860 (PORT=…, SHARE=1)
	PORT="$(PORT)" SHARE="$(SHARE)" $(BIN)/python app.py

# Two processes at a time, each with one thread; a file's tests stay together, Chromium's come last.
test: check ## lint, check types, run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed-dev $(if $(shell command -v npm),$(TSC)) ## lint and check types only
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	@if [ -x $(TSC) ]; then $(TSC) -p demo/stage/jsconfig.json; \
	else echo "no TypeScript here (npm brings it): the stage's types go unchecked" >&2; fi

fix: .venv/installed-dev ## mend what the linter can mend
	$(BIN)/python -m ruff check --fix .

mutants: .venv/installed-dev ## break the product line by line: what do the tests miss? (COUNT=…, SEED=…)
	$(BIN)/python tests/mutation/mutants.py $(COUNT:%=--count %) $(SEED:%=--seed %)

bench-evaluation: .venv/bench/installed ## time the evaluation beside its peers, and compare their numbers
	.venv/bench/bin/python -m benchmarks.evaluation $(SAMPLES:%=--samples %)

RACERS := $(basename $(notdir $(wildcard benchmarks/race/peers/*.txt)))

race: $(RACERS:%=.venv/race-%/installed) ## FID against seconds, ours beside its peers (MINUTES=0.5: a rehearsal; OUT=docs/race)
	$(BIN)/python -m benchmarks.race $(MINUTES:%=--minutes %) $(OUT:%=--out %) $(if $(RESUME),--resume)

bench-training: .venv/installed-app ## time each recipe's steps, and profile one (SECONDS=20 a row)
	$(BIN)/python -m benchmarks.training --profile $(SECONDS:%=--seconds %)

verify: .venv/installed-app ## measure the shipped checkpoints again and compare (AT_MOST=10000: quick)
	$(BIN)/python -m evaluation verify checkpoints/*/ $(if $(AT_MOST),--at-most $(AT_MOST))

table: .venv/installed-app ## write the README's score table from the stored numbers
	$(BIN)/python -m evaluation table

release: .venv/installed-app ## ship a run's checkpoint, measured, on the stage: make release RUN=runs/mnist-gan
	folder=$$($(BIN)/python -m training release "$$RUN") && \
	$(BIN)/python -m evaluation measure --force "$$folder" && \
	$(BIN)/python -m evaluation measure --samples 10000 "$$folder" && \
	$(BIN)/python -m training card "$$folder" && \
	$(BIN)/python -m evaluation table && \
	$(BIN)/python -m evaluation verify "$$folder" && \
	$(BIN)/python -m demo.site

space: .venv/installed-app ## create or update a Space: make space SPACE=you/duet (GPU=1, STATIC=1)
	$(BIN)/python -m training space "$$SPACE" $(if $(GPU),--gpu) $(if $(STATIC),--static)

site: .venv/installed-app ## write the stage as static files into site/, for any web host
	$(BIN)/python -m demo.site

bench-stage: .venv/installed-dev ## time the stage in Chromium, static and in the app (MINUTES=10 of drift)
	$(BIN)/python -m benchmarks.stage $(MINUTES:%=--drift-minutes %)

bench-app: .venv/installed-app ## time the app's answers, alone and in a crowd, and watch its memory (AGAINST=../other: beside another checkout)
	$(BIN)/python -m benchmarks.app $(AGAINST:%=--against %)

film: .venv/installed-dev ## the README's picture of the stage and the Space's thumbnail again, in Chromium
	$(BIN)/python -m benchmarks.film

clean: ## remove the environment and caches, never runs/
	rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .gradio

$(TSC):
	-@npm i --no-save --silent --no-audit --no-fund $(NODE_TOOLS)

venv:
	rm -rf .venv
	"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--target .venv/tools uv==0.13.9
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv

.venv/installed-app: requirements.txt $(if $(WHOLE),,venv)
	rm -f $@
	$(BACKEND) $(INSTALL) -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed-app
	rm .venv/installed-app
	$(INSTALL) -r requirements-dev.txt
	touch .venv/installed-app $@

# Each racer in an environment of its own: their pins are not ours, nor each other's.
.venv/race-%/installed: benchmarks/race/peers/%.txt .venv/installed-app
	rm -rf $(@D)
	$(UV) venv --quiet --python $(BIN)/python $(@D)
	$(BACKEND) $(UV) pip install --quiet --python $(@D)/bin/python -r $<
	touch $@

# The peers' own requirements stay out of ours; what both have comes from uv's cache.
.venv/bench/installed: requirements.txt benchmarks/requirements.txt .venv/installed-app
	rm -rf .venv/bench
	$(UV) venv --quiet --python $(BIN)/python .venv/bench
	$(BACKEND) $(UV) pip install --quiet --python .venv/bench/bin/python \
		-r requirements.txt -r benchmarks/requirements.txt
	touch $@
