# Everything is set up in this checkout, the first time it is needed and again when a lock changes:
# .venv (Python and Node), node_modules (the CDK CLI), .local (the embedded AWS and all that it writes).

PYTHON ?= python3
PORT ?= 4566
STACK ?= tagalong

INSTALLER := .venv/.installer
TO_DEPLOY := .venv/.deploy
TO_RUN := .venv/.demo
TO_TEST := .venv/.test
CDK_CLI := node_modules/.installed
MINISTACK := .local/ministack/.installed
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
CDK := $(IN_VENV) CDK_DISABLE_CLI_TELEMETRY=true node_modules/.bin/cdk --no-notices
# A lock names everything, so no resolver is asked what else there is. What is imported is compiled when it is.
INSTALL := install -qq --no-user --no-deps --require-hashes --only-binary :all: --no-compile --requirement
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header \
  --generate-hashes --no-strip-extras --only-binary :all:

unexport PYTHONDONTWRITEBYTECODE # each process would compile the CDK again
demo test nightly: export CONFIG := # they have configurations of their own

STEPS := $(if $(filter demo up test nightly,$(MAKECMDGOALS)),4,$(if $(filter bootstrap deploy diff destroy,$(MAKECMDGOALS)),3,2))
# The CDK selects stacks by their ids in app.py; stackName in the configuration names them in AWS.
STACKS = $(if $(filter-out tagalong tagalong-registry,$(STACK)),$(error STACK=$(STACK): use tagalong or \
  tagalong-registry; to name the stack, set stackName in cdk.json or in the file of CONFIG),$(STACK))
SETTING_UP := @printf 'Setting up, once, %s of $(STEPS): %s\n'

.NOTPARALLEL: # npm is in .venv
.PHONY: help demo up logs down cli wheel test nightly check-locks check-dates bench bootstrap deploy diff destroy lock clean

help:
	@awk -F ':.*## ' '/^##@ / {printf "%s%s\n", heading++ ? "\n" : "", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it on this machine, without an AWS account

demo: $(TO_RUN) $(CDK_CLI) $(MINISTACK) ## a push, a second one and a broken one, on nine services; a minute
	@.venv/bin/python -m emulator.demo

up: $(TO_RUN) $(CDK_CLI) $(MINISTACK) ## start an embedded AWS on 127.0.0.1:PORT (4566) and deploy tagalong to it
	@.venv/bin/python -m emulator up --port $(PORT)

logs: $(TO_RUN) ## what tagalong says there, until Ctrl-C
	@.venv/bin/python -m emulator logs --port $(PORT)

down: $(TO_RUN) ## stop the embedded AWS and remove what it wrote
	@.venv/bin/python -m emulator down --port $(PORT)

##@ Use it in your AWS account: credentials and Region as for the AWS CLI; CONFIG=prod.json in place of cdk.json

bootstrap: $(TO_DEPLOY) $(CDK_CLI) ## prepare an AWS account and region for the CDK, once
	@$(CDK) bootstrap

diff: $(TO_DEPLOY) $(CDK_CLI) ## what a deploy would change there
	@$(CDK) diff $(STACKS)

deploy: $(TO_DEPLOY) $(CDK_CLI) ## deploy to the AWS account that your credentials name
	@$(CDK) deploy $(STACKS) # it says so itself where the account or region is not bootstrapped

destroy: $(TO_DEPLOY) $(CDK_CLI) ## remove tagalong from there; no service of yours is touched
	@echo "This deletes the stack with its queues, logs, topic and table, and everything in them."
	@echo "Your services, the revisions they run and the SSM parameters under /<stackName>/ stay."
	@$(CDK) destroy $(STACKS)

cli: $(TO_RUN) ## set up the command line: .venv/bin/python -m cli
	@.venv/bin/python -m cli --help

##@ Work on it

test: $(TO_TEST) $(CDK_CLI) $(MINISTACK) ## format, lint, types, import direction, all tests
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@PYTHONPATH=lambda:. .venv/bin/lint-imports
	@$(IN_VENV) pytest --numprocesses 2 --dist loadgroup

nightly: export TAGALONG_THOROUGH := 1
nightly: export TAGALONG_STEPS := 100000
nightly: export TAGALONG_SEED ?= $(shell date +%j)
nightly: $(TO_TEST) $(CDK_CLI) $(MINISTACK) ## all that make test tries a part of: properties, faults, walks; an hour or so
	@$(IN_VENV) pytest --numprocesses 2 --hypothesis-profile nightly -m hypothesis
	@$(IN_VENV) pytest --numprocesses 2 --dist loadgroup \
	  tests/strict tests/scenarios

check-locks: $(TO_TEST) ## install every lock with every Python here, beside newer versions of everything
	@$(IN_VENV) pytest --numprocesses 2 --dist loadgroup tests/locks

check-dates: $(TO_TEST) ## a fast subset of the tests, more than a year from now
	@TAGALONG_TEST_DAYS_AHEAD=400 $(IN_VENV) pytest --numprocesses 2 -m "not embedded and not hypothesis" \
	  tests/unit tests/contract tests/scenarios

bench: $(TO_TEST) ## how fast large fleets are, beside what the quotas of ECS allow: ten minutes or so
	@PYTHONPATH=lambda:.:tests .venv/bin/python -m benchmarks

wheel: $(TO_TEST) ## the package, in dist: construct, source of the functions, command line
	@$(IN_VENV) uv build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir dist
	@rm -rf build *.egg-info

lock: $(TO_TEST) ## write the locks again after a change of a requirements.in
	@$(COMPILE) requirements/installer.in --output-file requirements/installer.txt
	@$(COMPILE) emulator/requirements.in --output-file emulator/requirements.txt
	@$(COMPILE) lambda/requirements.in --output-file lambda/requirements.txt
	@$(COMPILE) requirements.in --constraint lambda/requirements.txt --output-file requirements.txt
	@for lock in deploy demo test; do $(COMPILE) requirements/$$lock.in --output-file requirements/$$lock.txt \
	  --constraint requirements.txt --constraint lambda/requirements.txt || exit; done

clean: ## remove everything that make made
	@$(if $(wildcard .local/*/pid),$(error an embedded AWS is up: make down first))
	rm -rf .venv .local node_modules cdk.out dist .*_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLER): requirements/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tagalong needs Python 3.11 or newer; if you have one, name it: make PYTHON=python3.12")'
	$(SETTING_UP) 1 'the installer of everything else, in .venv'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip --disable-pip-version-check $(INSTALL) $<
	@touch $@

.venv/.%: requirements/%.txt $(INSTALLER)
	$(SETTING_UP) 2 'the Python packages of $<, in .venv'
	@.venv/bin/python -m pip $(INSTALL) $<
	@touch $@

$(CDK_CLI): package-lock.json
	$(SETTING_UP) 3 'the CDK CLI, in node_modules'
	@$(IN_VENV) NODE_DISABLE_COMPILE_CACHE=1 npm ci --silent --cache .local/npm
	@touch $@

$(MINISTACK): emulator/requirements.txt $(INSTALLER)
	$(SETTING_UP) 4 'the embedded AWS, in .local/ministack'
	@.venv/bin/python -m venv --without-pip .local/ministack
	@.venv/bin/python -m pip --python .local/ministack/bin/python $(INSTALL) $<
	@touch $@
