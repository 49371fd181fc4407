# Every command sets up what it needs: a virtual environment in .venv with the versions of requirements.txt.

PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/ready
REQUIREMENTS := requirements.txt

# One notebook or several: make run NOTEBOOKS=notebooks/01_autograd.ipynb
# The last ones first: they take the longest, and the others fill the second worker meanwhile.
NOTEBOOKS ?= $(wildcard notebooks/1*.ipynb notebooks/0*.ipynb)
# The same for tests: make unit TESTS=tests/test_data.py ARGS="-k grades"
TESTS ?= tests
# How many processes run the tests, and how many the notebooks (0: none beside pytest itself)
WORKERS ?= 2
NOTEBOOK_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help lab update test lint unit nbval oldest newest run bench badges stamp book slides browser clean

help:  ## list the commands
	@$(PYTHON) -c "import re; [print(f'make {m[1]:8} {m[2]}') for m in re.finditer(r'(?m)^(\w+):.*## (.*)', open('Makefile').read())]"

# Asked each time: no time of a file says whether the environment fits.
.PHONY: $(READY)
$(READY):
	@$(PYTHON) tools/ready.py $(VENV) $(REQUIREMENTS)

lab: $(READY)  ## open the course in JupyterLab (without a screen: make lab ARGS=--no-browser)
	$(BIN)/python tools/lab.py $(ARGS)

# It needs nothing that is installed here, since it may bring what to install.
update:  ## next week's notebooks; what you wrote in yours stays
	@$(PYTHON) tools/update.py

# Side by side. The notebooks are the longest job, one after the other: they have a core for themselves, the tests the rest.
test: lint  ## everything that CI checks (on a GPU: make test COURSE_DEVICE=cuda)
	@echo "Tests and notebooks run side by side, for two and a half minutes or more; each shows its output when it is through."
	@$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) unit nbval NOTEBOOK_WORKERS=0 LAST="$(shell command -v nice)"

# Committed outputs are those of a CPU. Elsewhere random numbers differ, and the assertions in the cells are the proof.
test lint unit nbval: export COURSE_DEVICE ?= cpu
run: export COURSE_DEVICE := cpu
# Some forty processes import the helpers: each would compile them anew where Python is told to keep no compiled code.
test unit nbval: export PYTHONDONTWRITEBYTECODE :=
# Checks that run here are nobody's progress.
test unit nbval run: export COURSE_PROGRESS := off
# The notebooks are stored and compared without progress bars: a stored bar would stand still for ever.
nbval run: export TQDM_DISABLE := 1
# Two workers on two cores: with more than one thread each, they would wait for each other. (tests/conftest.py says the same.)
nbval: export OMP_NUM_THREADS := 1
# torchrun (notebook 11) starts its processes as copies of itself, which need not import PyTorch once more.
ifeq ($(shell uname),Linux)
nbval: export PET_RUN_PATH := 1
nbval: export PET_START_METHOD := fork
endif
# No notebook reaches the network, and no program that it starts. (For the tests, tests/conftest.py sees to it.)
# (The other folder holds what makes nbval stricter, and sooner ready.)
nbval: export PYTHONPATH := $(CURDIR)/tests/offline$(if $(filter Windows_NT,$(OS)),;,:)$(CURDIR)/tests/nbval_plugins
# The environment that it needs is made with one.
$(READY): export PYTHONPATH :=

lint: $(READY)  ## ruff over code and notebooks; what can be said of the workflows without running them
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml)
	$(BIN)/zizmor --offline --quiet .github/workflows

unit: $(READY)  ## tests of the helpers, the tools and the form of the notebooks
	$(LAST) $(BIN)/python -m pytest $(TESTS) -n $(WORKERS) --dist worksteal $(ARGS)

nbval: $(READY)  ## execute the notebooks and compare every output with the stored one
	$(BIN)/python -m pytest $(NOTEBOOKS) -n $(NOTEBOOK_WORKERS) --dist loadscope --no-loadscope-reorder -p stricter $(if $(filter-out cpu,$(COURSE_DEVICE)),--nbval-lax,-p warm --nbval) \
		--nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120

oldest:  ## the tests of the helpers, and nbval, with the oldest versions that the course works with
	$(MAKE) unit nbval VENV=.venv-oldest REQUIREMENTS=tests/oldest.txt \
		TESTS="$(patsubst %,tests/test_%.py,data device exercises graph plotting processes training)"

# The environment is made anew each time: what is newest changes.
newest:  ## everything that CI checks, with the newest release of each package (of torch, see tests/newest.txt)
	$(PYTHON) -c "import shutil; shutil.rmtree('.venv-newest', ignore_errors=True)"
	$(MAKE) test VENV=.venv-newest REQUIREMENTS=tests/newest.txt

run: $(READY)  ## execute the notebooks in place and clean them, ready to commit
	$(BIN)/ruff check --fix $(NOTEBOOKS)
	$(BIN)/ruff format $(NOTEBOOKS)
	$(BIN)/python tools/run_notebooks.py $(NOTEBOOKS)

bench: $(READY)  ## measure the course, about 20 minutes (some of it: make bench PARTS="fit floor"; tools/bench.py lists them)
	$(BIN)/python -m tools.bench $(PARTS)

badges:  ## write the set-up cell, and the address of this copy for Colab: make badges [REPO=owner/name [REF=tag]]
	$(PYTHON) tools/badges.py $(if $(REPO),--repo "$(REPO)") $(if $(REF),--ref "$(REF)")

# The first push of a copy or a fork, in which all links still lead to the course that it was copied from.
stamp:  ## badges, committed and pushed, where this copy has not the address REPO yet: what the workflow publish does first
	$(PYTHON) tools/stamp.py "$(REPO)"

# The book has an environment of its own, without what computes; and MathJax for formulas, reveal.js for slides, from npm.
BOOK_VENV := .venv-book
BOOK_BIN := $(BOOK_VENV)/$(notdir $(BIN))
.PHONY: $(BOOK_VENV)/ready
$(BOOK_VENV)/ready:
	@$(PYTHON) tools/ready.py $(BOOK_VENV) book/requirements.txt
	@$(PYTHON) tools/node_modules.py

# The hints and the solutions are told by the helpers, which need the course's own environment.
book: $(READY) $(BOOK_VENV)/ready  ## the notebooks as a book that needs no network: book/_build/html/index.html
	$(BIN)/python book/exercises.py book/_build/exercises.json
	$(BOOK_BIN)/python book/build.py

slides: $(BOOK_VENV)/ready  ## the lesson of each notebook as slides, and as PDF: book/_build/slides/index.html
	$(BOOK_BIN)/python book/slides.py

# Not one of the tests of `make test`: it needs a browser, and Node.
browser: BROWSER_TESTS ?= tests/browser
browser: slides book  ## open book and slides in headless Chromium (one file: BROWSER_TESTS=tests/browser/test_book.py)
	$(BOOK_BIN)/python -m pytest $(BROWSER_TESTS) --confcutdir=tests/browser $(ARGS)

clean:  ## remove the environment and the caches
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('.venv', '.venv-oldest', '.venv-newest', '.venv-book', 'book/_build', 'book/node_modules', '.pytest_cache', '.ruff_cache', '.hypothesis')]"
