# `make help` lists what there is to do. Everything is installed inside this folder.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help setup dev demo example serve backup restore token test test-serve unit check fix docs prices rows lock bench deploy clean

export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.venv/bin:$(PATH)
export WRANGLER_SEND_METRICS := false

PYTHON := .venv/bin/python
BUNDLE := build/pyodide/pyodide_dev.capnp.bin
MODULES := python_modules/pyvenv.cfg

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready node_modules/.ready $(BUNDLE) $(MODULES) ## Install all that the others need (they call it themselves)

dev: setup ## Run the gateway on http://localhost:8787 (PORT, STATE, ADMIN_TOKEN, UPSTREAMS, WORKERS_AI)
	@$(PYTHON) tools/dev.py

demo: setup ## The same without any key: a mock answers for OpenAI
	@$(PYTHON) tools/dev.py --demo

example: setup ## Run an example beside the gateway: EXAMPLE=worker-js or worker-python (PORT, STATE)
	@$(PYTHON) tools/beside.py --config examples/$(or $(EXAMPLE),worker-js)/wrangler.toml

serve: setup ## Run the gateway for good, without Cloudflare (docs/self-host.md)
	@PYTHONPATH=tools exec $(PYTHON) -m serve

backup: .venv/.ready ## Back up the data of `make serve`, which may run: TO=file (STATE)
	@PYTHONPATH=tools $(PYTHON) -m serve.backup save '$(TO)'

restore: .venv/.ready ## Restore a backup into an empty folder: FROM=file (STATE)
	@PYTHONPATH=tools $(PYTHON) -m serve.backup restore '$(FROM)'

token: .venv/.ready ## Make, list or revoke tokens: ARGS='create --name ci' (URL, ACCOUNT, ADMIN_TOKEN)
	@$(PYTHON) tools/tokens_command.py $(ARGS)

test: setup ## Run every test there is, once
	@$(PYTHON) -m pytest

test-serve: setup ## Run what asks the Worker over HTTP on `make serve`, not on `make dev`
	@SERVE=1 $(PYTHON) -m pytest tests/worker tests/clients

unit: setup ## Run the tests of the core, which take seconds
	@$(PYTHON) -m coverage run -m pytest tests/unit
	@$(PYTHON) -m coverage report

check: setup ## Format and lint check, strict types, architecture
	@ruff format --check
	@ruff check
	@pyright --warnings --pythonpath $(PYTHON)
	@$(PYTHON) -m pytest -q tests/unit/test_architecture.py

fix: setup ## Format, and mend what the linter can mend
	@ruff format
	@ruff check --fix

docs: setup ## Write docs/providers.md from the declarations
	@$(PYTHON) tools/providers_page.py

prices: setup ## Write src/costs/price_table.py from the published prices that are pinned
	@PYTHONPATH=src $(PYTHON) tools/prices.py

rows: setup ## Fill a log with a million rows and time what is asked of it (ARGS)
	@$(PYTHON) tools/rows.py $(ARGS)

lock: .venv/.ready ## Write the lock files anew from pyproject.toml and package.json
	@uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 --group dev -o locks/dev.txt
	@uv pip compile -q --generate-hashes --no-header --universal --python-version 3.14 --no-python-downloads pyproject.toml -o locks/worker.txt
	@uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 --group bench -o locks/bench.txt
	@uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 --group cluster -o locks/cluster.txt
	@npm install --package-lock-only --loglevel=error
	@npm install --package-lock-only --omit-lockfile-registry-resolved --loglevel=error --prefix tools/bench/peers

bench: setup ## Measure Sluice beside other gateways (QUICK=1, ONLY, SCENARIOS, BEFORE: docs/benchmark.md)
	@PYTHONPATH=tools $(PYTHON) -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') \
	  $(if $(SCENARIOS),--scenarios '$(SCENARIOS)') $(if $(BEFORE),--before '$(BEFORE)')

deploy: setup ## Migrate the database and deploy to your Cloudflare account (docs/deploy.md)
	@wrangler d1 migrations apply DB --remote
	@pywrangler deploy

clean: ## Remove all that was installed and built; local data stays
	@rm -rf .venv node_modules python_modules build

# Set-up. Each step is remade when the file that pins its versions changes. A lock file names all
# there is to install: without `--no-deps` pip asks the registry for what has an extra, and a version
# that came out since has no hash.

.venv/.ready: locks/dev.txt
	@echo "Installing the Python tools into .venv …"
	@rm -rf .venv
	@python3 -m venv .venv
	@.venv/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r locks/dev.txt
	@touch $@

# Not `npm ci`: it refuses a lock file without the programs of platforms that a registry does not
# have. `--no-save` installs what the lock file says, with its checksums, and leaves it as it is.
node_modules/.ready: package-lock.json
	@echo "Installing the Node tools into node_modules …"
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): tools/bundle.py tools/pyodide_bundle.capnp .venv/.ready node_modules/.ready
	@echo "Building the Pyodide bundle …"
	@$(PYTHON) tools/bundle.py $(@D)

# The newest wheels for Pyodide that pip knows by their platform tag; uv does not know it yet.
$(MODULES): locks/worker.txt .venv/.ready
	@echo "Vendoring the Worker's packages into python_modules …"
	@rm -rf python_modules
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r locks/worker.txt \
	  --target python_modules --only-binary=:all: \
	  --platform pyemscripten_2026_0_wasm32 --python-version 3.14 --implementation cp
	@touch $@
