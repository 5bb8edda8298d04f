# The few commands a person types. `make setup` works with uv when it is installed, else with pip.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
LOGS ?= simulated
SHELL := /bin/bash

.PHONY: quickstart experiments-smoke setup test test-slow test-emulated test-maven test-tflite-runtime test-flink test-prism test-dataflow check help

help:
	@echo "make setup                        the environment, in $(VENV)"
	@echo "make quickstart                   logs (simulated) -> dataset -> model -> int8 bundle -> verdict"
	@echo "make quickstart LOGS=taobao:PATH  the same on a public log; also jd, rees46, yoochoose, retailrocket"
	@echo "make experiments-smoke            every suite of the papers' experiments, in small; 8 minutes"
	@echo "make test                         the default tests, under ten minutes"
	@echo "make test-slow                    the tests that take minutes"
	@echo "make test-emulated                the phone's runner on emulated arm64 (Debian: qemu-user and two more)"
	@echo "make test-flink                   the job on a real Flink, started here (Java, Maven)"
	@echo "make test-prism                   the job on Prism, built here (Go)"
	@echo "make test-dataflow                what Dataflow is given, without a cloud"
	@echo "make test-maven                   the phone's runner and TFLite's Android libraries (Debian: maven)"
	@echo "make test-tflite-runtime          the files on tflite-runtime 2.14.0, in its own environment"
	@echo "make check                        ruff, mypy, import direction"

setup: $(VENV)/.installed

# Made in one go: the stamp is the last thing written, so an interrupted installation starts again.
$(VENV)/.installed: constraints.txt setup.py
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --seed --python $(PYTHON) $(VENV) && \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet -r constraints.txt && \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --no-deps --no-build-isolation -e . ; \
	else \
	  ($(PYTHON) -m venv --clear $(VENV) || python3 -m venv --clear $(VENV)) && \
	  echo "installing the packages of constraints.txt, about a minute" && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r constraints.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

quickstart: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m edgedipn_tf.quickstart --logs=$(LOGS) $(ARGS)

experiments-smoke: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m edgedipn_tf.experiments --suite=all --size=smoke \
	  --output=experiments/smoke-reports $(ARGS)

# Two processes, a file in one of them: the default tests are for two cores.
test: setup
	$(BIN)/python -m pytest -m "not slow and not maven and not flink and not prism and not dataflow and not tflite_runtime" -n 2 --dist loadfile $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow --timeout=1800 $(ARGS)

# LiteRT for arm64 comes from its own wheel, of the installed release; the tests name what else is missing.
test-emulated: setup
	@mkdir -p build/arm64
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang==0.17.1
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	  --platform manylinux_2_27_aarch64 --python-version 311 --dest build/arm64 \
	  ai-edge-litert==$$($(BIN)/python -c "import importlib.metadata; print(importlib.metadata.version('ai-edge-litert'))")
	EDGEDIPN_ARM64_WHEELS=$(CURDIR)/build/arm64 $(BIN)/python -m pytest -m emulated -s --timeout=1800 $(ARGS)

# A real Flink on this machine: Java 11 or 17 and Maven, which fetches about 150 MB the first time.
test-flink: setup
	$(BIN)/python -m pytest -m flink --timeout=3600 $(ARGS)

# Prism is built by Go once; its version is that of Beam.
test-prism: build/prism
	EDGEDIPN_PRISM=$(CURDIR)/build/prism $(BIN)/python -m pytest -m prism $(ARGS)

build/prism: setup
	GOFLAGS=-mod=mod GOBIN=$(CURDIR)/build go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0

# A clean environment with apache-beam[gcp], about 300 MB; no cloud.
test-dataflow: setup
	$(BIN)/python -m pytest -m dataflow --timeout=3600 $(ARGS)

# The libraries come by Maven's own client; without it or a network the tests say so.
test-maven: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang==0.17.1 pyelftools==0.33
	$(BIN)/python -m pytest -m maven -s --timeout=1800 $(ARGS)

# tflite-runtime 2.14.0 is built for NumPy 1, so it gets an environment of its own.
test-tflite-runtime: build/tflite_runtime/.installed
	EDGEDIPN_TFLITE_RUNTIME=$(CURDIR)/build/tflite_runtime/bin/python $(BIN)/python -m pytest -m tflite_runtime -s $(ARGS)

build/tflite_runtime/.installed: setup
	$(PYTHON) -m venv build/tflite_runtime
	build/tflite_runtime/bin/python -m pip install --quiet --disable-pip-version-check tflite-runtime==2.14.0 "numpy<2"
	@touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py
