# Everything a user types. Each target makes the environment that it needs in .venv.
PYTHON ?= python3.11
# Kubernetes sets METASHOT_PORT=tcp://... for a Service of that name, which is no port to serve on.
PORT ?= $(or $(filter-out tcp://% udp://% sctp://%,$(METASHOT_PORT)),3000)
DATA_DIR ?= $(or $(METASHOT_DATA_DIR),var)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: run test test-all check demo train characters photos photos-small compare race bench bento clean help

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(VENV)/.serve ## start the service on http://127.0.0.1:3000 (PORT= and DATA_DIR= change port and folder)
	exec $(BIN)/python -m service serve --port $(PORT) --data-dir "$(DATA_DIR)"

# A worker takes a run of neighbours, which share what they begin with, and then some of those that another has left.
test: $(VENV)/.test ## run the tests, but for a few long ones, on up to 4 cores
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

test-all: $(VENV)/.test ## run all tests, one after the other
	$(BIN)/python -m pytest -m "long or not long"

check: $(VENV)/.test ## lint, formats and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

demo: $(VENV)/.serve ## one whole run on real drawings
	$(BIN)/python docs/examples/demo.py

train: $(VENV)/.train ## a short meta-training run that needs no download
	out=strokes-$$(date +%Y%m%d-%H%M%S) && \
	$(BIN)/python -m training train training/recipes/strokes.yaml --out runs/$$out && ln -sfn $$out runs/latest

# One part after the other: what is there already is left as it is, and what was stopped goes on.
define train-parts
for part in $(1); do \
  [ -e runs/$$part/initialization/card.json ] || \
  $(BIN)/python -m training train training/recipes/$$part.yaml --download --data-dir "$(or $(METASHOT_DATA),data)" \
    $$([ ! -e runs/$$part/checkpoint.safetensors ] || echo --resume) || exit; done
endef

characters: $(VENV)/.train ## repeat the training of the shipped initialization (Omniglot; three hours), or go on
	$(call train-parts,characters-first characters)
	$(BIN)/python -m training calibrate runs/characters/initialization --data-dir "$(or $(METASHOT_DATA),data)" \
	  --set 'learner.backbone.earlier=[[stage3.2, 0.5]]'

photos: $(VENV)/.train ## the same for photos (mini-ImageNet, which you bring; seven minutes on an H200 GPU)
	$(call train-parts,photos)
	$(BIN)/python -m training calibrate runs/photos/initialization --halves --data-dir "$(or $(METASHOT_DATA),data)"

photos-small: $(VENV)/.train ## a small network for photos, which learns from that one, by two CPU cores (three hours)
	$(call train-parts,photos-small)
	$(BIN)/python -m training calibrate runs/photos-small/initialization --halves \
	  --data-dir "$(or $(METASHOT_DATA),data)"

compare: $(VENV)/.train ## compare meta-learning with ordinary learning on Omniglot, or go on with it
	$(BIN)/python -m training compare omniglot --download --data-dir "$(or $(METASHOT_DATA),data)" \
	  $(if $(wildcard runs/compare-omniglot/plan.json),--resume)

race: $(VENV)/.train ## train every algorithm for ten minutes on Omniglot and compare them, or go on with it
	$(BIN)/python -m training race omniglot --download --data-dir "$(or $(METASHOT_DATA),data)" \
	  $(if $(wildcard runs/race-omniglot/plan.json),--resume)

bench: $(VENV)/.bench ## measure side by side with learn2learn and a plain service (var/benchmarks; about half an hour)
	$(BIN)/python -m benchmarks

bento: $(VENV)/.bento ## build a Bento for deployment
	BENTOML_DO_NOT_TRACK=true $(BIN)/bentoml build

clean: ## remove the environment and caches, not your data in var/ and runs/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.serve: $(VENV)/.made requirements/serve.txt
	@echo "installing what the service needs (a few minutes the first time)"
	$(PIP) -r requirements/serve.txt
	touch $@

$(VENV)/.bento: $(VENV)/.serve requirements/bento.txt
	@echo "installing what building a Bento needs"
	$(PIP) -r requirements/bento.txt
	touch $@

$(VENV)/.train: $(VENV)/.serve requirements/train.txt
	@echo "installing what meta-training needs"
	$(PIP) "pip>=23.1"  # the first to read options of a single requirement; Debian's Python 3.11 brings 23.0
	$(PIP) -r requirements/train.txt
	touch $@

$(VENV)/.test: $(VENV)/.train requirements/bento.txt requirements/test.txt
	@echo "installing what the tests need"
	$(PIP) -r requirements/test.txt
	touch $@

$(VENV)/.bench: $(VENV)/.train requirements/bench.txt
	@echo "installing what the measurements need"
	$(PIP) -r requirements/bench.txt
	touch $@
