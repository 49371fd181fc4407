# Every command sets up what it needs: a virtual environment in .venv with the versions of requirements.txt.

PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/ready

# One notebook or several: make run NOTEBOOKS=notebooks/01_autograd.ipynb
NOTEBOOKS ?= notebooks

.DEFAULT_GOAL := help
.PHONY: help lab test lint unit nbval run badges clean

help:  ## list the commands
	@$(PYTHON) -c "import re; [print(f'make {m[1]:8} {m[2]}') for m in re.finditer(r'(?m)^(\w+):.*## (.*)', open('Makefile').read())]"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('This course needs Python 3.11 or newer; $(PYTHON) is Python %d.%d. Name another one: make PYTHON=python3.12' % sys.version_info[:2])"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -c "open('$@', 'w').close()"

lab: $(READY)  ## open the course in JupyterLab (without a screen: make lab ARGS=--no-browser)
	$(BIN)/jupyter lab --allow-root $(ARGS) notebooks

test: lint unit nbval  ## everything that CI checks (on a GPU: make test COURSE_DEVICE=cuda)

# Committed outputs are those of a CPU. Elsewhere random numbers differ, and the assertions in the cells are the proof.
test lint unit nbval run: export COURSE_DEVICE ?= cpu
# Checks that run here are nobody's progress.
test unit nbval run: export COURSE_PROGRESS := off
# The notebooks are stored and compared without progress bars: a stored bar would stand still for ever.
nbval run: export TQDM_DISABLE := 1
# Two workers on two cores: with more than one thread each, they would wait for each other.
unit nbval: export OMP_NUM_THREADS := 1

lint: $(READY)  ## ruff over code and notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check

unit: $(READY)  ## tests of the helpers, the tools and the form of the notebooks
	$(BIN)/python -m pytest tests -n 2 --dist worksteal

nbval: $(READY)  ## execute the notebooks and compare every output with the stored one
	$(BIN)/python -m pytest $(NOTEBOOKS) -n 2 --dist loadscope --nbval$(if $(filter-out cpu,$(COURSE_DEVICE)),-lax) \
		--nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120

run: $(READY)  ## execute the notebooks in place and clean them, ready to commit
	$(BIN)/ruff check --fix $(NOTEBOOKS)
	$(BIN)/ruff format $(NOTEBOOKS)
	$(BIN)/python tools/run_notebooks.py $(NOTEBOOKS)

badges: $(READY)  ## stamp the address of this copy for Colab: make badges REPO=owner/name [REF=tag]
	$(BIN)/python tools/badges.py $(if $(REPO),--repo "$(REPO)") $(if $(REF),--ref "$(REF)")

clean:  ## remove the environment and the caches
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('.venv', '.pytest_cache', '.ruff_cache')]"
