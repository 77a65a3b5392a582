# The project's commands: `make` builds everything and serves the page; `make test` checks it.

PYTHON ?= python3
BIN := .venv/bin
# On Linux, plain pip takes PyTorch's CUDA build; TORCH_INDEX=<PyTorch's CPU wheel index> takes the small one.
TORCH_INDEX ?=
# The first pip that knows --group; in a variable, since a comma would end an argument of `step`.
NEW_PIP := 'pip>=25.1,<27'
PIP := $(BIN)/python -m pip install --no-compile --disable-pip-version-check -c export/constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# Test processes: one for each core, two to four, since each may hold a browser with SmolLM2 (2 GB).
JOBS ?= $(shell $(PYTHON) -c 'import os; print(min(4, max(2, os.cpu_count() or 2)))')
PAGE := $(shell find pyscripts site -path site/vendor -prune -o -path site/models -prune -o -path site/node_modules -prune -o -type f -print)

# $(call step,name,command): says what is being done and how long it took.
step = @printf '\n== %s\n' "$(1)"; start=$$(date +%s); $(2) && printf '== %s: %s s\n' "$(1)" "$$(($$(date +%s) - start))"

.PHONY: all serve vendor model test test-fast test-long test-browsers package check bench pictures clean

all: serve

serve: site/vendor/NOTICES site/models/index.json
	@$(BIN)/python export/site/serve.py

vendor:
	rm -rf site/vendor && $(MAKE) site/vendor/NOTICES

.venv/installed: pyproject.toml export/constraints.txt
	$(call step,Python environment (.venv),$(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q --disable-pip-version-check $(NEW_PIP) && $(PIP) --group export)
	@touch $@

.venv/installed-test: .venv/installed
	$(call step,Test packages,$(PIP) --group test)
	@touch $@

site/vendor/NOTICES: .venv/installed $(addprefix export/site/,runtime.py precompiled.py bytecode.mjs snapshot.mjs codemirror.py codemirror.js shell.py) $(PAGE)
	$(call step,Page libraries (site/vendor),$(BIN)/python export/site/runtime.py)

model site/models/index.json: | .venv/installed site/vendor/NOTICES
	$(call step,Model (site/models),$(BIN)/python export/build.py)

check: .venv/installed-test site/vendor/NOTICES
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/node site/node_modules/typescript/bin/tsc -p site

# For every day: no browser, no model.
test-fast: check
	$(BIN)/python -m pytest -q tests/unit

.PHONY: browser
browser: .venv/installed-test
	$(BIN)/python tests/browser.py

# The browser tests read with SmolLM2, also where the model above is another one.
site/models/smollm2/manifest.json: | .venv/installed site/vendor/NOTICES
	$(call step,Model of the tests (site/models/smollm2),$(BIN)/python export/build.py smollm2)

test:
	@$(MAKE) -j3 check site/models/smollm2/manifest.json browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --durations 25 -m "not long" tests

# Tests that take minutes: memory over hundreds of runs, a model of GPT-2's size, WebGPU on a software adapter.
test-long: check browser
	$(BIN)/python -m pytest -m long tests

.venv/installed-test-browsers: .venv/installed-test
	$(call step,Packages of the test in other browsers,$(PIP) --group test-browsers)
	@touch $@

# Firefox and WebKit against Chromium; engines that are missing are installed where this is Debian and we are root.
test-browsers: .venv/installed-test-browsers site/vendor/NOTICES site/models/smollm2/manifest.json
	$(BIN)/python tests/browsers/run.py

# The page against native onnxruntime: a table, and dist/bench.json.
bench: .venv/installed-test site/vendor/NOTICES site/models/smollm2/manifest.json
	$(BIN)/python tests/bench.py

# The page beside transformers.js and wllama, which are fetched for this only: a table, and dist/bench-peers.json.
.PHONY: bench-peers
bench-peers: .venv/installed-test site/vendor/NOTICES site/models/smollm2/manifest.json
	$(BIN)/python tests/bench_peers.py

# The README's pictures, from the real page.
pictures: .venv/installed-test site/vendor/NOTICES site/models/smollm2/manifest.json
	$(BIN)/python tests/pictures.py

# One zip under dist/ that any static server serves.
package: site/vendor/NOTICES site/models/index.json
	$(call step,Package (dist),$(BIN)/python export/site/package.py $(MODELS))

clean:
	rm -rf .venv dist site/vendor site/models site/node_modules export/.cache
