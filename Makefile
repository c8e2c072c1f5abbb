# Two commands are all a newcomer needs: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint audit base-model clean

# Installs once; again only when the project's requirements or pins change.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## Run the demo grid to its end; again, it does only what is missing.
	$(BIN)/dragoman run examples/demo.yaml
	@echo "The other model is put forward too. It is worse than the champion, so it must be refused:"
	$(BIN)/dragoman promote demo-translator@1; test $$? -eq 1

test: $(VENV)/.installed  ## Lint, check types and run the whole test suite.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

audit:  ## Look every pinned version up among the known flaws; needs the network.
	test -x .venv-audit/bin/pip-audit || ($(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit)
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

base-model: $(VENV)/.installed  ## Train the demo's base model again (about an hour on one core).
	$(BIN)/python examples/pretrain.py --out examples/tiny-xglm

clean:  ## Remove what the demo made; the virtual environment stays.
	rm -rf .dragoman
