# The commands of this project. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps ui demo test test-rust test-chart test-ui lint fmt deny fuzz schemathesis bench frames clean

ifdef PORT
export PORT
endif

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/' | column -t -s '|'

deps: ## Install what the other commands need, or say what is missing
	@scripts/need.sh build test python browser

ui: ## Build the pages into ui/dist, if their sources changed
	@scripts/need.sh node
	@scripts/ui.sh

demo: ui ## A Jira of a believable company with Steward in it, on PORT (ARGS="--archive FILE" and the like go to it)
	@scripts/need.sh build
	cargo run --locked -p steward -- demo $(ARGS)

test: ## Everything: rules, both databases, walls, leaks, tidy, contract, pages, browser
	@scripts/test.sh ui rust chart browser

test-rust: ## The Rust tests alone, on both databases
	@scripts/test.sh rust

test-chart: ## The Helm chart, linted and rendered
	@scripts/test.sh chart

test-ui: ## The pages' tests, and the browser's against a running demo
	@scripts/test.sh ui browser

lint: ## Format, clippy and the pages' types, without a single warning
	@scripts/need.sh build node
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	scripts/ui.sh --install
	cd ui && npm run --silent lint

fmt: ## Format the Rust code
	cargo fmt --all

deny: ## Bans, licences and sources of dependencies (needs cargo-deny; `make test` does without)
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --locked check bans licenses sources

fuzz: ## What reads bytes from outside, a minute each (ARGS: seconds, targets; needs cargo-fuzz)
	@scripts/need.sh build
	@scripts/fuzz.sh $(ARGS)

schemathesis: ## The whole API against openapi.json, on a demo of its own (ARGS: examples an operation; WHO=token: as an API token)
	@scripts/schemathesis.sh $(ARGS)

bench: ## Measure beside a peer and the physical limit, into bench/RESULTS.md
	@scripts/need.sh build bench
	cargo build --locked --release -p steward -p bench
	$${CARGO_TARGET_DIR:-target}/release/bench $(ARGS)

frames: ui ## How smoothly a table of 100,000 customers opens and scrolls, traced in Chromium (ARGS: another number)
	@scripts/need.sh build browser
	cargo build --locked --release -p steward
	scripts/frames.sh $(ARGS)

clean: ## Remove what was built, and the tests' database
	cargo clean
	rm -rf ui/dist ui/node_modules .demo
	scripts/postgres.sh stop
	scripts/openbao.sh stop
	scripts/seaweedfs.sh stop
