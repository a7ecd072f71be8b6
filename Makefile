# What people run. Everything needs nothing but cargo; `make test` is what CI runs.

# cargo runs each test in the folder of its package, so a relative SAMPLES is meant from here.
ifneq ($(strip $(SAMPLES)),)
override SAMPLES := $(abspath $(SAMPLES))
export SAMPLES
endif

# Each commit runs one more messy book, drawn from its own name; the limits hold for every one.
export BOOK_SEED ?= $(shell git rev-parse HEAD 2>/dev/null)

LAMBDAS := webhook normalize health publish clock slack-alert crm-task email-nudge mail-event fetch-object

.PHONY: help test bench bootstraps

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

test: ## Check formatting, lints, every test and the documentation. SAMPLES=DIR also runs vendors' own samples
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --no-fail-fast
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench: ## Measure; nothing here passes or fails
	cargo bench --workspace --benches

bootstraps: ## Build the Lambda functions as AWS runs them, and print their sizes
	cargo build --profile lambda $(addprefix -p ,$(LAMBDAS))
	@cd target/lambda && wc -c $(LAMBDAS)
