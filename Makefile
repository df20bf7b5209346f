# `make` lists what there is to do. Nothing here needs root, Docker or a service: Python 3.11, Java 17 and make are enough.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.leadhouse
SHARE := $(VENV)/share/leadhouse
ROOMS := bench conf expectations jobs models transforms

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format typecheck bench faults burst kafka docs zip clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv with everything in it

$(STAMP): setup.cfg pyproject.toml constraints.txt conf/ivy.xml
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11 on the PATH; found none; install it or set PYTHON="; exit 2; }
	@command -v java >/dev/null || { echo "make: expected Java 17 on the PATH; found none; install it"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	rm -rf $(SHARE)/jars $(SHARE)/broker
	java -cp "$$($(BIN)/python -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))')/jars/*" org.apache.ivy.Main \
	  -warn -ivy conf/ivy.xml -cache $(VENV)/ivy -confs jars broker -types jar bundle \
	  -retrieve '$(SHARE)/[conf]/[organisation]_[artifact]-[revision].[ext]'
	@touch $(STAMP)

demo: setup ## Make up a company's data and run everything on it
	$(BIN)/leadhouse demo

test: setup ## Run the tests, two files at a time
	$(BIN)/python -m pytest -m 'not long' -n 2 --dist loadfile --no-loadscope-reorder

lint: setup ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Put style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: setup ## Check types (mypy strict)
	@mkdir -p build/link/leadhouse
	@for room in $(ROOMS); do ln -sfn ../../../$$room build/link/leadhouse/$$room; done
	MYPYPATH=build/link $(BIN)/mypy --config-file setup.cfg -p leadhouse

bench: setup ## Measure throughput, latency, growth and training beside bare Spark, Polars and XGBoost
	$(BIN)/python -m leadhouse.bench

faults: setup ## Kill the job everywhere, for hours, and see whether anybody can tell (SEEDS=25)
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m tests.faults --seeds $(or $(SEEDS),25)

burst: setup ## Send a million messages at once, and see that they are taken in bounded batches
	LEADHOUSE_BURST=1000000 $(BIN)/python -m pytest tests/faults/test_broker.py -k burst

kafka: setup ## Run a Kafka broker on 127.0.0.1:9092, to try streaming with
	$(BIN)/python -m leadhouse.bench.broker

docs: setup ## Write docs/tables.md anew from the table contracts
	$(BIN)/python -m leadhouse.jobs.tables_page

zip: setup ## Build dist/leadhouse.zip for spark-submit --py-files
	rm -rf build/zip build/lib build/bdist.*  # setuptools keeps modules that are gone
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/zip .
	mkdir -p dist
	cd build/zip && ../../$(BIN)/python -m zipfile -c ../../dist/leadhouse.zip leadhouse

clean: ## Remove what was built, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
