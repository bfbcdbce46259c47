# `make study` and `make test` do all set-up themselves; both can be run again at any time.
VENV := .venv
PYTHON := $(VENV)/bin/python
STUDY ?= search_spaces/csa.yaml
# without its bytecode every process compiles the code and the tests anew, which takes it ten seconds
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup study test quick lint types strict-types units-of-ass-tune other-units lock clean

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	    --editable '.[benchmarks,cmaes,dashboard,notebooks,postgres,pretrained,s3,test]'
	touch $@

study: setup
	$(PYTHON) -m ass_tune.run $(STUDY)

# Two processes: half of a study's time is waiting for Ray to start. One that has nothing left takes from the other's end,
# so that files, whose tests share studies, are divided once at most.
test: setup lint types
	$(PYTHON) -m pytest --numprocesses 2 --dist worksteal

# What a change breaks first: no Ray, no training, no database, no browser; types of the packages that are strict.
# The two halves of the tests are processes of their own: both processes of pytest-xdist would import everything.
quick: setup
	$(MAKE) --jobs 3 --output-sync=target lint strict-types units-of-ass-tune other-units

UNITS := $(PYTHON) -m pytest --quiet -m 'not (slow or costly or ray or training or mlflow or browser or processes)'

units-of-ass-tune: setup
	$(UNITS) tests/ass_tune

other-units: setup
	$(UNITS) --ignore tests/ass_tune

strict-types: setup
	$(VENV)/bin/pyright ass_tune/search ass_tune/ledger trainables/ass

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PYTHON) tools/rooms.py

types: setup
	$(VENV)/bin/pyright

# The exact set that the tests pass with: what this environment has, without the project itself.
lock: setup
	$(PYTHON) -m pip freeze --exclude-editable --disable-pip-version-check > constraints.txt

clean:
	rm -rf $(VENV) studies test-output
