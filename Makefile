# Two commands are all a newcomer needs: make demo, make test. `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
UV := $(BIN)/uv --quiet --no-progress
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(PYTEST_OPTIONS)
export OMP_NUM_THREADS ?= 1
# Every process would compile all it imports anew, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-slow test-all durations lint check audit base-model clean
.DEFAULT_GOAL := help

help:  ## List the targets.
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r target text; \
		do printf 'make %-12s %s\n' "$$target" "$$text"; done

# Installs once; again only when the project's requirements or pins change. constraints.txt is a full lock, so nothing
# is resolved. torch comes by pip, which can be configured to find a build for this machine's processor or CUDA, with
# the libraries which that build asks for; the rest by uv, which is many times faster, or by pip where uv does not work.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt uv || echo "uv could not be installed; pip installs the rest, which takes minutes."
	$(UV) pip install --python $(BIN)/python --no-deps --requirement constraints.txt || $(PIP) install --no-deps --requirement constraints.txt
	$(UV) pip install --python $(BIN)/python --no-deps --editable . || $(PIP) install --no-deps --editable .
	touch $@

demo: $(VENV)/.installed  ## Run the demo grid to its end; again, it does only what is missing.
	$(BIN)/dragoman run examples/demo.yaml
	@echo "The other model is put forward too. On its unseen pairs it is worse than the champion, so it must be refused:"
	$(BIN)/dragoman promote demo-translator@1 --policy examples/policies/unseen.yaml; test $$? -eq 1

test: $(VENV)/.installed  ## Run the fast tests, within ten minutes on two cores.
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.installed  ## Run the tests that are marked slow: clusters, servers, finetuning with several workers.
	$(PYTEST) -m slow

test-all: $(VENV)/.installed  ## Run every test.
	$(PYTEST)

durations: $(VENV)/.installed  ## Run every test and write how long the slowest took to tests/durations.txt.
	$(PYTEST) --junit-xml=.durations.xml
	$(BIN)/python tests/slowest.py --count 100 .durations.xml > tests/durations.txt
	rm .durations.xml

lint: $(VENV)/.installed  ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test  ## Lint, then run the fast tests.

audit:  ## Look every pinned version up among the known flaws; needs the network.
	test -x .venv-audit/bin/pip-audit || ($(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit)
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

base-model: $(VENV)/.installed  ## Train the base models of the examples again (about an hour on one core).
	$(BIN)/python examples/pretrain.py --out examples/tiny-xglm
	$(BIN)/python examples/pretrain.py --out examples/tiny-xglm-continued @examples/tiny-xglm-continued/arguments.txt

clean:  ## Remove what the demo made; the virtual environment stays.
	rm -rf .dragoman
