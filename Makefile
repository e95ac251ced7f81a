# Everything is set up in this checkout, the first time it is needed and again when a lock changes:
# .venv (Python and Node), node_modules (the CDK CLI), .local (the embedded AWS and all that it writes).

PYTHON ?= python3
PORT ?= 4566
STACK ?= tagalong

VENV := .venv/.installed
CDK_CLI := node_modules/.installed
MINISTACK := .local/ministack/.installed
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
CDK := $(IN_VENV) node_modules/.bin/cdk --no-notices
LOCKS := requirements.txt requirements-dev.txt lambda/requirements.txt emulator/requirements.txt

.PHONY: help demo up logs down test bench bootstrap deploy diff destroy lock clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV) $(CDK_CLI) $(MINISTACK) ## see it work on this machine, without an AWS account
	@.venv/bin/python -m emulator.demo

up: $(VENV) $(CDK_CLI) $(MINISTACK) ## start an embedded AWS on 127.0.0.1:PORT (4566) and deploy tagalong to it
	@.venv/bin/python -m emulator up --port $(PORT)

logs: $(VENV) ## what tagalong says there, until Ctrl-C
	@.venv/bin/python -m emulator logs --port $(PORT)

down: $(VENV) ## stop the embedded AWS and remove what it wrote
	@.venv/bin/python -m emulator down --port $(PORT)

test: $(VENV) $(CDK_CLI) $(MINISTACK) ## format, lint, types, import direction, all tests
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@PYTHONPATH=lambda:. .venv/bin/lint-imports
	@$(IN_VENV) pytest --numprocesses 2 --dist loadgroup

bench: $(VENV) ## how fast large fleets are, beside what the quotas of ECS allow: ten minutes or so
	@PYTHONPATH=lambda:.:tests .venv/bin/python -m benchmarks

bootstrap: $(VENV) $(CDK_CLI) ## prepare an AWS account and region for the CDK, once
	@$(CDK) bootstrap

deploy: $(VENV) $(CDK_CLI) ## deploy to the AWS account that your credentials name
	@$(CDK) deploy $(STACK) || { echo "If this account or region is new to the CDK: make bootstrap"; exit 1; }

diff: $(VENV) $(CDK_CLI) ## what a deploy would change there
	@$(CDK) diff $(STACK)

destroy: $(VENV) $(CDK_CLI) ## remove tagalong from there; no service of yours is touched
	@echo "This deletes the stack $(STACK) with its queues, logs, topic and table, and everything in them."
	@echo "Your services, the revisions they run and the SSM parameters under /tagalong/ stay."
	@$(CDK) destroy $(STACK)

lock: $(VENV) ## write the locks again after a change of a requirements.in
	@for lock in $(LOCKS); do .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header $${lock%.txt}.in --output-file $$lock || exit; done

clean: ## remove everything that make made
	@$(if $(wildcard .local/*/pid),$(error an embedded AWS is up: make down first))
	rm -rf .venv .local node_modules cdk.out .*_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tagalong needs Python 3.11 or newer; if you have one, name it: make PYTHON=python3.12")'
	@echo "Setting up .venv: a minute or two, once."
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install -qq --require-hashes --requirement $<
	@touch $@

$(CDK_CLI): package-lock.json $(VENV)
	@echo "Setting up the CDK CLI in node_modules: a few seconds, once."
	@$(IN_VENV) NODE_DISABLE_COMPILE_CACHE=1 npm ci --silent --cache .local/npm
	@touch $@

$(MINISTACK): emulator/requirements.txt $(VENV)
	@echo "Setting up the embedded AWS in .local/ministack: a few seconds, once."
	@.venv/bin/python -m venv --without-pip .local/ministack
	@.venv/bin/python -m pip --python .local/ministack/bin/python install -qq --require-hashes --requirement $<
	@touch $@
