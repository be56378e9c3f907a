# Everything that people and CI do here. `make` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Tools of this checkout alone; beside it only package managers' caches are written. `cargo lambda`
# finds Zig there.
VENV := .venv
TOOLS := .tools
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$(PATH)

CARGO_TOOLS := cargo-deny@0.20.2 cargo-machete@0.9.2

# Every program but the operator's command, which runs where its user is.
FUNCTIONS := $(filter-out dora-cli,$(patsubst crates/%/src/main.rs,%,$(wildcard crates/*/src/main.rs)))
STAGE := target/stage
STAGE_LAMBDA := $(STAGE)/lambda
STAGE_CDK := $(STAGE)/cdk.out
INFRA_SOURCES := $(wildcard $(shell git ls-files --cached --others --exclude-standard infra))
ZIP_LIMIT := 4194304
BENCH := target/bench

# What is deployed: the release build and its templates, made anew; or others, as they are.
CONFIG := infra/config.ts
LAMBDA_DIR := target/lambda
ASSEMBLY := infra/cdk.out
SETTING = infra/node_modules/.bin/tsx infra/bin/setting.ts $(CONFIG)

.PHONY: help
help:
	@echo "Begin with: make demo"
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Try it

.PHONY: demo
demo: assembly ## Play a quarter on this machine, report it, check all numbers (or SCENARIO=events/….json)
	@PYTHONPATH=tests python -m $(if $(SCENARIO),stage demo $(SCENARIO),organisation.demo)

.PHONY: dashboard
dashboard: assembly ## Draw the dashboard after the demo's scenario (SCENARIO=… DASHBOARD=….svg)
	@PYTHONPATH=tests python -m stage dashboard $(or $(DASHBOARD),docs/dashboard.svg) $(SCENARIO)

.PHONY: pictures
pictures: tools-python ## Draw the pictures of the docs anew
	@cd tests && python -m pictures

.PHONY: grafana
grafana: tools-node ## Write the dashboard for Grafana to infra/grafana/dora.json, of your settings (GRAFANA=….json)
	@infra/node_modules/.bin/tsx infra/bin/grafana.ts $(CONFIG) $(or $(GRAFANA),infra/grafana/dora.json)

.PHONY: stage
stage: assembly ## Keep the local stage up to play with, until Ctrl-C
	@PYTHONPATH=tests python -m stage up

.PHONY: emit
emit: event tools-python ## Let CodePipeline emit an event on the stage that is up (EVENT=events/….json)
	@PYTHONPATH=tests python -m stage emit $(EVENT)

.PHONY: invoke
invoke: function event assembly ## Run one function on one event (FUNCTION=… EVENT=events/….json)
	@PYTHONPATH=tests python -m stage invoke $(FUNCTION) $(EVENT)

.PHONY: event function
event:
	@test -f "$(EVENT)" || { echo "EVENT=$(EVENT) must name a file, such as" \
		"EVENT=events/codepipeline/pipeline-succeeded.json" >&2; exit 2; }
function:
	@test -n "$(filter $(FUNCTION),$(FUNCTIONS))" || { \
		echo "FUNCTION=$(FUNCTION) must be one of: $(FUNCTIONS)" >&2; exit 2; }

##@ Develop

.PHONY: test
test: test-rust test-infra test-stage ## Run all tests, the end-to-end run included

.PHONY: test-rust
test-rust: ## Test the crates
	cargo test --workspace --locked

.PHONY: test-infra
test-infra: tools-node ## Test the CDK app
	cd infra && node_modules/.bin/vitest run

.PHONY: test-stage
test-stage: tools-github assembly ## Test the compiled functions on the local stage, end to end
	cd tests && python -m pytest

# The empty function beside which the others are measured is built as they are, and is not one of them.
.PHONY: bench
bench: build $(BENCH)/venv/installed ## Measure the functions, beside an empty one and Python's (ROUNDS=… PICTURE=….svg)
	@architecture=$$($(SETTING) architecture); \
	cargo lambda build --release --locked --output-format zip --package empty-function \
		--$${architecture/_/-} --lambda-dir $(BENCH)/lambda
	@PYTHONPATH=tests python -m bench --lambda-dir $(LAMBDA_DIR) \
		$(addprefix --rounds ,$(ROUNDS)) $(addprefix --picture ,$(PICTURE))

.PHONY: soak
soak: assembly ## Play a large organisation in chaos (SEED=… EVENTS=… SOAK=--peace|--no-window)
	@PYTHONPATH=tests python -m organisation.soak $(SEED:%=--seed=%) $(EVENTS:%=--events=%) $(SOAK)

# The cases of one run follow from its seed, so a failure names the line that repeats it.
.PHONY: fuzz
fuzz: export CASES := $(or $(CASES),1000000)
fuzz: assembly ## Hand hostile events and settings to the functions (CASES=… SEED=… CASE=…)
	SEED=$(SEED) CASE=$(CASE) cargo test --workspace --locked --test hostile -- \
		--nocapture --test-threads=1
	$(if $(CASE),,cd tests && SEED=$(SEED) python -m pytest hostile -s)

.PHONY: check
check: tools-rust tools-node assembly ## Check form, lints, types, licences, dependencies, spelling
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	cargo fetch --locked --quiet
	cargo deny --offline --log-level error check bans licenses sources
	cargo machete
	cd infra && node_modules/.bin/tsc --noEmit
	cd tests && ruff check . && ruff format --check . && mypy .
	cd infra && cfn-lint ../$(STAGE_CDK)/*.template.json
	cd tests && python lint_policies.py ../$(STAGE_CDK)
	typos

.PHONY: format
format: tools-python ## Format all code
	cargo fmt --all
	cd tests && ruff format . && ruff check --fix .

.PHONY: clean
clean: ## Remove what was built and installed here
	rm -rf target $(VENV) $(TOOLS) {infra,tests}/node_modules infra/cdk.out

##@ Deploy

.PHONY: build
build: tools-python tools-node ## Build the functions for AWS into target/lambda, and state their size
	architecture=$$($(SETTING) architecture); \
	cargo lambda build --release --locked --output-format zip $(FUNCTIONS:%=--package %) \
		--$${architecture/_/-} --lambda-dir $(LAMBDA_DIR)
	@for zip in $(FUNCTIONS:%=$(LAMBDA_DIR)/%/bootstrap.zip); do \
		size=$$(stat -c %s $$zip); \
		echo "$$zip: $$size bytes (at most $(ZIP_LIMIT))"; \
		test $$size -le $(ZIP_LIMIT); \
	done

# Quick: it takes the code that `make build` left. Without it the templates are there to be read:
# Lambda refuses what stands in for the zips.
.PHONY: synth
synth: tools-node ## Write the CloudFormation templates to infra/cdk.out, without building
	@code=$(LAMBDA_DIR); \
	if ! ls $(FUNCTIONS:%=$(LAMBDA_DIR)/%/bootstrap.zip) >/dev/null 2>&1; then \
		echo "The functions are not built: these templates are to be read, not deployed."; \
		code=target/unbuilt; \
		for name in $(FUNCTIONS); do \
			mkdir -p $$code/$$name; \
			echo "run make build" >$$code/$$name/bootstrap.zip; \
		done; \
	fi; \
	cd infra && node_modules/.bin/cdk synth --quiet \
		--context configuration=$(CONFIG) --context lambdaDir=$$code

IS_OWN := $(filter infra/cdk.out,$(ASSEMBLY))
DEPLOY := cd infra && node_modules/.bin/tsx bin/deploy.ts

.PHONY: bootstrap
bootstrap: tools-node $(if $(IS_OWN),synth) ## Prepare each account and Region for the CDK, once (profiles as for deploy)
	@$(DEPLOY) bootstrap ../$(ASSEMBLY)

.PHONY: deploy
deploy: tools-python tools-node $(if $(IS_OWN),build synth) ## Build, show what changes, deploy (OPERATIONS_PROFILE=… TOOLING_PROFILE=…)
	@$(DEPLOY) deploy ../$(ASSEMBLY)

# `cargo lambda deploy` would make a function of its own, and a role, where there is none.
.PHONY: deploy-functions
deploy-functions: tools-python tools-node $(if $(filter target/lambda,$(LAMBDA_DIR)),build) ## Deploy the functions' code alone (OPERATIONS_PROFILE=…)
	@settings=$$($(SETTING) account region profile); \
	read -r account region profile <<<"$$settings"; \
	options=($${profile:+--profile "$$profile"} --region "$$region"); \
	caller=$$(aws sts get-caller-identity "$${options[@]}" --query Account --output text); \
	test "$$caller" = "$$account" || { echo "these credentials ($${profile:-no profile}) are of" \
		"account $$caller; the functions are in $$account" >&2; exit 1; }; \
	for name in $(FUNCTIONS); do \
		aws lambda get-function-configuration "$${options[@]}" --function-name $$name >/dev/null; \
		cargo lambda deploy "$${options[@]}" --lambda-dir $(LAMBDA_DIR) \
			$${AWS_ENDPOINT_URL:+--endpoint-url $$AWS_ENDPOINT_URL} $$name; \
	done

.PHONY: destroy
destroy: tools-node $(if $(IS_OWN),synth) ## Remove all stacks from all accounts; the ledger's table is kept
	@$(DEPLOY) destroy ../$(ASSEMBLY)

##@ Operate

.PHONY: dora
dora: ## Build the operator's command: reports, explanations, checks, backfills
	cargo build --release --locked --package dora-cli
	@echo "It is target/release/dora: begin with target/release/dora --help"

.PHONY: redrive
redrive: tools-python tools-node ## Send the events of a failure queue again (QUEUE=… OPERATIONS_PROFILE=…)
	@test -n "$(QUEUE)" || { echo "QUEUE=… must name a queue, such as" \
		"QUEUE=dora-lead-time-failed-events" >&2; exit 2; }
	@settings=$$($(SETTING) account region profile); \
	read -r account region profile <<<"$$settings"; \
	OPERATIONS_ACCOUNT=$$account OPERATIONS_REGION=$$region OPERATIONS_PROFILE=$$profile \
		infra/bin/redrive.sh $(QUEUE)

# What the stage deploys: quickly built functions and the templates that hold them.

.PHONY: assembly
assembly: tools-python tools-node $(STAGE)/bin/dora
	@cargo lambda build --profile stage --compiler cargo --locked $(FUNCTIONS:%=--package %) \
		--output-format zip --lambda-dir $(STAGE)/built $(if $(wildcard $(STAGE_LAMBDA)),--quiet)
	@for name in $(FUNCTIONS); do \
		cmp -s {$(STAGE)/built,$(STAGE_LAMBDA)}/$$name/bootstrap.zip || \
		install -D {$(STAGE)/built,$(STAGE_LAMBDA)}/$$name/bootstrap.zip; \
	done
	@$(MAKE) --silent $(STAGE_CDK)/manifest.json

# For the target that `cargo lambda` builds for, since what both need is then built once.
.PHONY: $(STAGE)/bin/dora
$(STAGE)/bin/dora:
	@host=$$(rustc -vV | sed -n 's/^host: //p'); \
	cargo build --profile stage --locked --package dora-cli --target $$host $(if $(wildcard $@),--quiet); \
	install -D -C target/$$host/stage/dora $@

$(STAGE_CDK)/manifest.json: $(INFRA_SOURCES) $(wildcard $(STAGE_LAMBDA)/*/bootstrap.zip)
	@echo "synthesising the templates"
	@cd infra && log=$$(node_modules/.bin/cdk synth --quiet --output ../$(STAGE_CDK) \
		--context configuration=infra/stage.config.ts \
		--context lambdaDir=$(STAGE_LAMBDA) 2>&1) || { echo "$$log"; exit 1; }
	@touch $@

# Tools, installed once and again when their pins change.

.PHONY: tools-python tools-node tools-github tools-rust
tools-python: $(VENV)/installed tests/node_modules/installed
tools-node: infra/node_modules/installed
tools-github: tests/node_modules/installed-all
tools-rust: $(addprefix $(TOOLS)/,$(CARGO_TOOLS))

$(VENV)/installed: tests/requirements.txt
	@echo "installing Python tools into $(VENV)"
	@python3 -m venv --clear $(VENV)
	@pip install --quiet --require-hashes --requirement $<
	@touch $@

# What the bench's function in Python runs on, apart from the tools.
$(BENCH)/venv/installed: tests/bench/python/requirements.txt
	@echo "installing Lambda's runtime for Python into $(@D)"
	@python3 -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

infra/node_modules/installed: infra/package-lock.json
	@echo "installing the CDK into infra/node_modules"
	@cd infra && npm ci --silent
	@touch $@

# The schema that the stage's GitHub runs on, and for tests of it the OpenAPI description too, which
# takes 400 MB.
tests/node_modules/installed: tests/package-lock.json
	@echo "installing GitHub's schema into tests/node_modules"
	@cd tests && npm ci --silent --omit=dev
	@touch $@

tests/node_modules/installed-all: tests/package-lock.json
	@echo "installing GitHub's descriptions into tests/node_modules"
	@cd tests && npm ci --silent
	@touch $(@D)/installed $@

$(TOOLS)/%:
	cargo install --quiet --locked --root $(TOOLS) $*
	@touch $@
