# make demo   compiles a real trigger model within 50 ns, proves it in Verilator, says where the report is
# make test   all tests            make test-golden   the models beside the repository (../shared)
# make test-cluster   sweeps as job arrays of a Slurm that is started here (Debian: as root, or packages slurmctld slurmd munge)
# make setup  only what building, simulating and testing need        make build   dist/
# make clean  removes what make made (not node_modules, not .venv)
SHELL := /bin/sh
.DEFAULT_GOAL := build
.PHONY: demo test test-golden test-cluster setup build clean tools test-tools node

NPM_STAMP := node_modules/.trigforge-installed
BUILD_STAMP := dist/.built
SOURCES := $(shell find src -type f) bundle.mjs
DEMO_MODEL := test/fixtures/anomaly
# Further options for the test runner; .ci/run asks for a JSON report with it.
VITEST_FLAGS ?=

demo: build tools
	@node dist/cli/main.js $(DEMO_MODEL)/model.onnx --clock 320MHz --latency 50ns \
	  --vectors $(DEMO_MODEL)/inputs.npy --name anomaly --out build/demo

test: build test-tools
	@npx --no-install tsc -p tsconfig.json --noEmit
	@npx --no-install vitest run $(VITEST_FLAGS)

test-golden: build test-tools
	@npx --no-install vitest run --config vitest.golden.config.ts $(VITEST_FLAGS)

test-cluster: build
	@sh testbench/setup-tools.sh cluster
	@npx --no-install vitest run --config vitest.cluster.config.ts $(VITEST_FLAGS)

setup: $(NPM_STAMP) test-tools

build: $(BUILD_STAMP)

tools:
	@sh testbench/setup-tools.sh

test-tools:
	@sh testbench/setup-tools.sh tests

# Node and npm cannot be had from within npm: say what is needed before npm says something else.
node:
	@command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || \
	  { echo "Node 20 or newer and npm are needed, and not found. See nodejs.org, or: apt-get install nodejs npm" >&2; exit 1; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || \
	  { echo "Node 20 or newer is needed; this is $$(node --version)" >&2; exit 1; }

$(NPM_STAMP): package-lock.json package.json | node
	@echo "setup: npm ci"
	@npm ci --no-progress --no-update-notifier --loglevel=error
	@touch $@

$(BUILD_STAMP): $(NPM_STAMP) $(SOURCES)
	@rm -rf dist
	@node bundle.mjs
	@chmod +x dist/cli/main.js
	@touch $@

clean:
	@rm -rf dist build coverage
