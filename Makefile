# `make demo` and `make test` set up .venv when it is missing, and run.
# KERAS_BACKEND=tensorflow|torch|jax chooses the backend of `make demo`,
# `make reproduce` and `make test-slow`.

PYTHON ?= python3
KERAS_BACKEND ?= torch
DEMO_OUTPUT ?= demo_output
DEMO_FLAGS ?=
REPRODUCE_FLAGS ?=
TEST_FLAGS ?=
export KERAS_BACKEND

INSTALLED = .venv/installed
METRIC_TEST = tests/evaluation/frame_average_precision_test.py
LOADER_TESTS = tests/data/clip_batches_test.py tests/data/clip_source_test.py \
	tests/data/loaders_test.py
JAX_TESTS = tests/ops tests/layers tests/training $(METRIC_TEST)
# One process per core, each with one thread.
PYTEST = OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n auto \
	--dist loadfile $(TEST_FLAGS)
QUICK = -m "not slow"

.PHONY: demo reproduce test test-slow test-jax lint clean

demo: $(INSTALLED)
	.venv/bin/python recipes/demo.py --workdir=$(DEMO_OUTPUT) $(DEMO_FLAGS)

reproduce: $(INSTALLED)
	.venv/bin/python recipes/reproduce.py $(REPRODUCE_FLAGS)

test: lint
	KERAS_BACKEND=torch $(PYTEST) $(QUICK) tests
	# Of evaluation, visualization and data, one metric and the loaders alone
	# depend on the backend.
	KERAS_BACKEND=tensorflow $(PYTEST) $(QUICK) --ignore=tests/evaluation \
		--ignore=tests/visualization --ignore=tests/data tests
	KERAS_BACKEND=tensorflow $(PYTEST) $(QUICK) $(LOADER_TESTS) $(METRIC_TEST)
	# JAX compiles each shape anew, minutes for the models: all but one are in
	# `make test-jax`.
	KERAS_BACKEND=jax $(PYTEST) $(QUICK) $(JAX_TESTS) \
		tests/models/video_models_test.py

# The demo, a reproduction, every fault, several processes, exports.
test-slow: $(INSTALLED)
	$(PYTEST) -m slow tests

test-jax: $(INSTALLED)
	KERAS_BACKEND=jax $(PYTEST) $(JAX_TESTS) tests/models

lint: $(INSTALLED)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

clean:
	rm -rf .venv build *.egg-info $(DEMO_OUTPUT)

$(INSTALLED): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	# Torch alone first: a later requirement would resolve it to another build.
	.venv/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv/bin/python -m pip install --quiet --constraint constraints.txt \
		--editable ".[all,test]"
	touch $@
