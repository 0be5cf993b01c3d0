# Each target installs what it needs into .venv; nothing is installed twice until settings.ini changes.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Two test processes with torch's default threads would fight over the cores.
TEST := OMP_NUM_THREADS=1 IN_TEST=1 JUPYTER_PLATFORM_DIRS=1 $(BIN)/pytest -n 2 --dist loadfile
# tests/test_exercises.py proves every row of nbs/answers: as chapters they have nothing to show.
TEST_NOTEBOOKS := --nbval-lax --nbval-kernel-name=warm --nbval-cell-timeout=600 --ignore=nbs/answers

run: .venv/run     ## train, score and picture a conditional GAN on real digits
	$(BIN)/gan-course quickstart --overwrite

test: .venv/dev    ## lint, then the tests and every notebook in its small form, without their slow parts
	$(BIN)/ruff check .
	$(TEST) $(TEST_NOTEBOOKS) -m "not slow" tests nbs

test-all: .venv/dev ## the same, and the slow parts: long games in chapters, kills at random moments, a Ray cluster
	$(BIN)/ruff check .
	$(TEST) $(TEST_NOTEBOOKS) tests nbs

bench: .venv/dev   ## race a step against the textbook's; minutes, on a machine that does nothing else
	$(BIN)/python -m benchmarks

gpu: .venv/dev     ## the first hours of a GPU: every game, parity with the CPU, the race, runs in full; into $OUT
	$(BIN)/python -m benchmarks.gpu

lab: .venv/dev     ## copies of the chapters to work in, in JupyterLab; made once, then yours
	test -e my_notebooks || $(BIN)/gan-course start my_notebooks
	$(BIN)/gan-course lab my_notebooks

edit: .venv/dev    ## the chapters themselves in JupyterLab; running one to its end exports the library
	GAN_COURSE_EDIT=1 $(BIN)/gan-course lab nbs

docs: .venv/dev    ## the site, into _docs
	$(BIN)/python .ci/docs.py

hooks: .venv/dev   ## git merges notebooks cell by cell, and every commit is checked
	git config merge.nbdev-merge.name "notebooks, cell by cell"
	git config merge.nbdev-merge.driver "$(BIN)/nbdev_merge %O %A %B %P"
	$(PIP) pre-commit
	$(BIN)/pre-commit install

clean:             ## delete everything the other targets made, your runs excepted
	rm -rf .venv _proc _docs .cache build dist *.egg-info .pytest_cache .ruff_cache .hypothesis nbs/nbdev.yml nbs/sidebar.yml
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run: settings.ini setup.py pyproject.toml | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/dev: settings.ini setup.py pyproject.toml | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ .venv/run

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

.PHONY: run test test-all bench gpu lab edit docs hooks clean help
