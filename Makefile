# bridged: what can be done here.  `make` alone prints this list.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help test setup tools lab-tools trees image lint types unit lab lab-trixie lab-bookworm vm vm-1 vm-2 \
	generated demo bench install uninstall packages deb rpm wheel sbom lock clean clean-cache

# The laboratories need root; nothing else does.  A virtual environment stays the user's.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CACHE := $(or $(BRIDGED_CACHE),$(HOME)/.cache/bridged)
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$p" && break; done)
ROOT := $(SUDO) env BRIDGED_CACHE=$(CACHE) PYTHONDONTWRITEBYTECODE=1 \
	$(if $(BRIDGED_VM_SUITE),BRIDGED_VM_SUITE=$(BRIDGED_VM_SUITE))
PYTEST := .venv/bin/python -m pytest
# A laboratory on a busy machine may miss a deadline.  What fails is tried once more, and a test that
# needed it is listed by name as RERUN: it passed, and it deserves a look.
ROOT_PYTEST := $(ROOT) $(PYTEST) -p no:cacheprovider --durations=5 --reruns 1 -raR

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

test:  ## everything: sets this machine up, then all checks and tests, with a summary at the end
	@tests/lab/sections tools .venv trees+image lint+types unit lab-trixie+lab-bookworm vm-1+vm-2

setup: tools .venv trees image  ## only the set-up of `make test`

tools:
	@tests/lab/host-tools

lab-tools:
	@tests/lab/host-tools laboratories

.venv: .venv/ready
.venv/ready: pyproject.toml packaging/requirements/dev.txt
	@[ -n "$(PYTHON)" ] || { echo "no Python 3.11 or newer with venv is installed" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes \
		-r packaging/requirements/dev.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

trees:
	@for suite in trixie bookworm; do $(ROOT) tests/lab/trees $$suite || exit 1; done

image:
	@$(ROOT) .venv/bin/python tests/lab/vm.py build

generated: .venv  ## schema, references, manual pages and completion, from the code
	.venv/bin/python -m bridged.generate

lint: .venv  ## ruff
	.venv/bin/ruff check .

types: .venv  ## mypy, strict
	.venv/bin/mypy
	.venv/bin/mypy -p tests.lab -p tests.bench
	.venv/bin/mypy packaging/sbom.py

unit: .venv  ## tests that need neither root nor a laboratory
	$(PYTEST) tests/unit

lab: lab-trixie lab-bookworm  ## tests beside a real NetworkManager in namespaces (root)

lab-trixie: .venv
	$(ROOT_PYTEST) tests/netns --suite trixie

lab-bookworm: .venv
	$(ROOT_PYTEST) tests/netns --suite bookworm

vm: .venv  ## tests in the virtual machine, with systemd, VLANs and modules (root)
	$(ROOT_PYTEST) tests/vm

# Halves of the above, each with machines of its own: an emulated one uses one processor.
vm-1 vm-2: .venv
	$(ROOT_PYTEST) tests/vm --part $(@:vm-%=%)/2

demo: lab-tools .venv  ## shows bridged at work in a laboratory (root)
	@$(ROOT) .venv/bin/python -m tests.lab.demo

bench: setup  ## measures against nmcli and the bare netlink floor, writes docs/benchmark.md (root)
	@$(ROOT) .venv/bin/python -m tests.bench

install:  ## installs bridged on this host (root); starts nothing
	@packaging/install.sh install

uninstall:  ## takes it off again; the network stays as it is
	@packaging/install.sh uninstall

packages: deb rpm wheel sbom  ## all of the following, into dist/

deb rpm wheel sbom: .venv
	@packaging/build $@

deb:  ## the package for Debian 13
rpm:  ## the package for Rocky Linux 10
wheel:  ## the wheel, for pipx
sbom:  ## a bill of materials of what develops bridged; each package has its own

# UPGRADE=--upgrade takes the newest of everything that pyproject.toml allows.
lock:  ## pins, with hashes, what develops bridged and what the .rpm bundles
	$(PYTHON) -m venv build/uv
	build/uv/bin/pip install --quiet --disable-pip-version-check uv
	$(UV) --universal --python-version 3.11 --extra dev pyproject.toml -o packaging/requirements/dev.txt
	$(UV) --python-version 3.12 --python-platform x86_64-manylinux_2_28 \
		packaging/requirements/libraries.in -o packaging/requirements/libraries.txt

UV = build/uv/bin/uv pip compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock'

clean:  ## removes what was made in this folder
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

clean-cache:  ## removes the cached trees and images
	$(SUDO) rm -rf --one-file-system $(CACHE)
