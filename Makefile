# The two commands: make report, make test. Everything they need is set up by themselves.

PYTHON ?= python3
TOOLS := .tools
VENV := .venv
UV := $(or $(shell command -v uv 2>/dev/null),$(TOOLS)/bin/uv)
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

REPORTS := $(patsubst templates/%/report.toml,%,$(wildcard templates/*/report.toml))

.DEFAULT_GOAL := help

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

report: $(READY) ## Train what the report needs; write write-up, supplement and notebook to build/
	$(RUN) -m cnnreport build

reports: $(READY) ## Make every report that has a folder in templates/
	set -e; for report in $(REPORTS); do $(RUN) -m cnnreport build $$report; done

full: $(READY) ## The same with what goes beyond the handout, which takes longer
	$(RUN) -m cnnreport build --full

demo: $(READY) ## The same in two minutes: a cut-down build that says so on its cover
	$(RUN) -m cnnreport build --smoke

# The tests start many commands; without bytecode each compiles the package anew.
test test-all: export PYTHONDONTWRITEBYTECODE =

test: $(READY) ## Run the default tests
	$(RUN) -m pytest -n auto

test-all: $(READY) ## Run all tests, the slow ones too
	$(RUN) -m pytest -n auto -m "slow or not slow"

check: $(READY) ## Lint and check types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

browser: ## Bring Chromium and axe-core, with which the tests look at the page (not needed for a report)
	@sh setup/browser.sh "$(TOOLS)"

lock: $(UV) ## Renew the lock of exact versions
	$(UV) pip compile -q pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock

# What the machine itself must bring, looked at before anything is downloaded.
system:
	@sh setup/system.sh "$(PYTHON)" "$(VENV)" "$(UV)"

$(READY): requirements.lock pyproject.toml | system $(UV)
	$(UV) venv -q --allow-existing --no-python-downloads --python $(PYTHON) $(VENV)
	$(UV) pip sync -q --compile-bytecode --require-hashes --python $(RUN) requirements.lock
	$(UV) pip install -q --no-deps --no-build-isolation --python $(RUN) --editable .
	@touch $@

$(TOOLS)/bin/uv: | system
	PIP_ROOT_USER_ACTION=ignore $(PYTHON) -m pip install -q --disable-pip-version-check --target $(TOOLS) uv

gpu: $(READY) ## Check and measure everything on this machine's GPU; figures and runs go to build/gpu/
	PY=$(RUN) bash benchmarks/gpu/check.sh

bare: ## Try demo and test on a minimal Debian in a folder (root, a quarter of an hour)
	sh setup/bare.sh

clean: ## Remove the environment (the output stays: python -m cnnreport clean --all)
	rm -rf $(VENV) $(TOOLS)

.PHONY: help report reports full demo test test-all check browser lock system gpu bare clean
