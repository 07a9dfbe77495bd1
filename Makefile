# Each target sets up .venv first when it is missing or stale; every one of them works as the first command on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PYTEST_ARGS ?=
INCIDENT ?=
WORLD ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast golden lab check bench clean lock docs sample

help:
	@echo "make demo    the sample incident, from raw logs to a sealed run"
	@echo "make test    the whole suite (test-fast: without what is slow)"
	@echo "make golden  keeps the answers of today as those that tests/answers hold every later one against (WORLD=name: one)"
	@echo "make lab     JupyterLab on the playbooks (INCIDENT=id opens one)"
	@echo "make check   lint, types, conventions"
	@echo "make bench   the kit against what people do today"
	@echo "make docs    the generated pages of docs/"
	@echo "make sample  the demo's evidence, anew from tests/simulator"
	@echo "make clean   removes the environment and caches, never an incident"

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which with PYTHON=…" >&2; exit 2; }
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv -q --clear --python "$$(command -v $(PYTHON))" $(VENV); \
	  uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV); \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(STAMP)
	$(BIN)/ir-kit demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" $(PYTEST_ARGS)

golden: $(STAMP)
	$(BIN)/python tests/answers/renew.py $(WORLD)

lab: $(STAMP)
	$(BIN)/ir-kit lab $(INCIDENT)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_conventions.py

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

docs: $(STAMP)
	$(BIN)/python docs/make_data_dictionary.py
	$(BIN)/python docs/make_policy.py

sample: $(STAMP)
	PYTHONPATH=tests $(BIN)/python -m simulator ir_kit/sample

# For maintainers, with uv: versions and hashes of everything, without addresses.
lock:
	uv pip compile -q pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
