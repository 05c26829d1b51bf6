# make demo      build a sample firmware for a Cortex-M7 and run it
# make test      lint and test everything
# make bench     speed and fidelity, as ratios
# make fidelity  measurements against simulations (MEASUREMENTS, PROGRAMS: folders, see docs/accuracy.md)
# make verify    published measurements against simulations: fails where an error has grown (MEASUREMENTS, PROGRAMS)
# make models    every model of a folder on four cores, bit for bit against its reference (MODELS: a folder)
# make reproduce-compression  the study of deep compression: LeNet in full, float32 and int8, on four boards (OUT: a folder)
# make fuzz      tens of thousands of random and mutated images (FUZZ_IMAGES, FUZZ_SEED)
# Each does all set-up on its own: a virtual environment, Python packages, a cross compiler.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CORE := m7
WORKERS := 2
SPREAD := -n $(WORKERS) --dist loadfile # the tests of a file share what they build
MEASUREMENTS ?= $(MCUSIM_MEASUREMENTS)
PROGRAMS ?= $(MCUSIM_PROGRAMS)
OUT := build/compression
FUZZ_IMAGES := 20000
FUZZ_SEED := 0

RUN_READY := $(VENV)/.ready-run
TEST_READY := $(VENV)/.ready-test
STUDY_READY := $(VENV)/.ready-study
COMPILER_READY := $(VENV)/.ready-compiler
CONSTRAINTS := tools/constraints.txt
DEMO_SOURCES := $(wildcard kernels_c/*.py kernels_c/*.in kernels_c/include/*.h kernels_c/src/*.c kernels_c/demo/*.c)

.PHONY: demo test long-test lint bench fidelity verify models reproduce-compression fuzz wheel-test clean

demo: build/demo.elf
	$(BIN)/mcusim run $< --core $(CORE)

test: lint # a thread of BLAS for each worker is enough
	OMP_NUM_THREADS=1 $(BIN)/pytest $(SPREAD) -m "not long"

long-test: $(TEST_READY) $(COMPILER_READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest $(SPREAD) -m long

lint: $(TEST_READY) $(COMPILER_READY)
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

bench: $(TEST_READY) $(COMPILER_READY)
	$(BIN)/python -m benchmarks.simulation_speed

fidelity: $(TEST_READY)
	$(BIN)/python -m benchmarks.fidelity --measurements $(MEASUREMENTS) --programs $(PROGRAMS) --max-cycles 3e9

verify: $(TEST_READY)
	$(BIN)/mcusim verify --published $(MEASUREMENTS) --programs $(PROGRAMS) --jobs $(WORKERS)

models: $(TEST_READY) $(COMPILER_READY)
	MCUSIM_MODELS=$(MODELS) $(BIN)/pytest -n $(WORKERS) tests/deploy/test_models.py

reproduce-compression: $(STUDY_READY) $(COMPILER_READY)
	mkdir -p $(OUT)
	$(BIN)/python -m experiments.deep_compression sweep --out $(OUT)/results.csv --jobs $(WORKERS) --boards all

fuzz: $(TEST_READY) $(COMPILER_READY)
	$(BIN)/python -m tests.fuzz --count $(FUZZ_IMAGES) --first-seed $(FUZZ_SEED)

wheel-test: build/demo.elf
	tools/test_wheel.sh $(BIN)/python

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

build/demo.elf: $(DEMO_SOURCES) $(RUN_READY) $(COMPILER_READY)
	$(BIN)/python -m kernels_c.build demo --core $(CORE) --output $@

$(BIN)/python:
	tools/make_venv.sh "$(PYTHON)" $(VENV)

$(RUN_READY): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(TEST_READY): setup.cfg pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[test]'
	touch $@ $(RUN_READY)

$(STUDY_READY): setup.cfg pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[study]'
	touch $@ $(RUN_READY)

$(COMPILER_READY): tools/install_compiler.sh | $(BIN)/python
	tools/install_compiler.sh $(VENV)
	touch $@
