# make demo and make test set up everything they need in .venv.

PYTHON ?= python3
# One test more side by side than there are cores, for many of them wait; files stay whole, so that theirs share what they have made.
SIDE_BY_SIDE = --numprocesses $(shell $(PYTHON) -c 'import os; print(min(8, 1 + (os.cpu_count() or 1)))') --dist loadfile --no-loadscope-reorder
# Each of them computes on one core. Bytecode is kept: to compile all tests anew takes every one of them six seconds.
TESTED = OMP_NUM_THREADS=1 $(KEPT)
# uv leaves bytecode to Python, which keeps that of what it imports: here of most that commands import.
KEPT = PYTHONDONTWRITEBYTECODE= $(BIN)/python
jobs = prep_corpus.jobs
IMPORTED = onnxruntime, sklearn.linear_model, $(jobs).runs.align, $(jobs).runs.export, $(jobs).runs.report, $(jobs).runs.run, $(jobs).own_filter.evaluating, $(jobs).own_filter.fitting, $(jobs).own_filter.labelling, $(jobs).own_filter.sample, $(jobs).submit.submission, $(jobs).submit.workers, prep_corpus.pipeline.report.report
SHARED ?= $(or $(PREP_CORPUS_SHARED),../shared)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help same-bytes setup template demo test test-readers test-clouds test-flink test-flink-live check lint types clean bench-align bench-pieces bench-emit bench-windows bench-detours bench-hard bench-run bench-limits bench-real bench-write bench-read bench-scale bench-quality
.PHONY: reference test-pythons

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# What a run needs; the rest, torch among it, comes with .venv/ready.
.venv/run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, not " + sys.version) if sys.version_info < (3, 11) else None'
	@echo "setting up .venv: 0.3 GB from PyPI, 1.1 GB of disk, about a minute"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	.ci/install setuptools --editable .
	mkdir -p .types/prep_corpus
	for folder in align augment filters jobs pipeline; do ln -sfn ../../$$folder .types/prep_corpus/$$folder; done
	@echo "compiling loops and what is imported, so that no first run waits for it"
	$(KEPT) -m prep_corpus.pipeline.compiled_loops & \
		loops=$$!; $(KEPT) -c 'import $(IMPORTED)' && wait $$loops
	touch $@

.venv/ready: .venv/run
	@echo "adding what tests, training and other models need to .venv: 3.1 GB more from PyPI, torch most of it, and 6 GB of disk"
	UV_COMPILE_BYTECODE=1 .ci/install --editable '.[dev,hf]'
	touch $@

setup: .venv/ready  ## Create .venv with the tested versions

demo: .venv/run  ## Run the main job on the demo corpus; shards land in demo-run
	rm -rf demo-run
	@echo "seven minutes of speech become shards: about half a minute"
	$(BIN)/prep-corpus run demo/manifest.jsonl --out demo-run --format parquet --format tfrecord --noise demo/noise
	@ls -l demo-run/data demo-run/tfrecord

.PHONY: image
image:  ## A container image for this machine, tried on the demo corpus; needs docker or podman
	@here=; engine=; for one in docker podman; do \
		command -v $$one >/dev/null || continue; \
		here="$$here $$one"; \
		if $$one info >/dev/null 2>&1; then engine=$$one; break; fi; \
	done; \
	test -n "$$here" || { echo "make image needs docker or podman, and neither is on this machine" >&2; exit 1; }; \
	test -n "$$engine" || { echo "make image needs docker or podman at work; here, and not at work:$$here" >&2; exit 1; }; \
	set -ex; \
	$$engine build $(if $(BASE),--build-arg BASE=$(BASE)) $(BUILD_OPTIONS) --tag prep-corpus .; \
	mkdir -p demo-image; \
	$$engine run --rm --network none --volume "$(CURDIR)/demo:/work/demo:ro" --volume "$(CURDIR)/demo-image:/work/out" \
		prep-corpus run demo/manifest.jsonl --out out/run --noise demo/noise

test: setup  ## Run the tests
	$(TESTED) -m pytest $(SIDE_BY_SIDE) -m "not pages"

.PHONY: test-pages
test-pages: setup  ## Run the lines of README and docs as they stand, and the first tasks from their pages
	$(BIN)/python -m pytest --numprocesses 2 --dist load -m pages tests/test_page_commands.py tests/test_first_tasks.py

.PHONY: test-fast
test-fast: setup  ## The tests of the pure folders that take no long speech: within two minutes
	$(TESTED) -m pytest $(SIDE_BY_SIDE) -m "not slow and not pages" tests/align tests/filters tests/augment tests/pipeline/shards

test-pythons: setup  ## The pure parts on every other Python from 3.11 to 3.14 of this machine
	.ci/pythons

.venv/readers: .venv/ready
	.ci/install --editable '.[readers]'
	touch $@

test-readers: .venv/readers  ## Read shards with datasets, TensorFlow, Lhotse, WebDataset and PyTorch
	$(BIN)/python -m pytest tests/pipeline/reading/test_reading_programs.py tests/pipeline/plain_files tests/pipeline/shards tests/pipeline/inputs

.venv/clouds: .venv/ready
	.ci/install --editable '.[aws,gcp]'
	touch $@

test-clouds: .venv/clouds  ## The Dataflow job built offline; where there is Go, gs:// and whole runs on loopback
	test -x $(BIN)/fake-gcs-server || ! command -v go >/dev/null || \
		GOBIN=$(CURDIR)/$(BIN) go install github.com/fsouza/fake-gcs-server@v1.56.1
	$(BIN)/python -m pytest tests/pipeline/storage/test_object_stores.py tests/jobs/submit/test_submit_dataflow.py tests/jobs/submit/test_dataflow_run.py

test-flink: setup  ## The demo corpus on a real Flink cluster on loopback, and with a task manager killed
	OMP_NUM_THREADS=1 $(BIN)/python tests/cluster/flink.py whole

test-flink-live: setup  ## The short form of it: the demo's recordings once, without a kill
	OMP_NUM_THREADS=1 $(BIN)/python tests/cluster/flink.py live --skip-without-java

template: setup  ## Write the Flex Template's parameters from the settings' declarations
	$(BIN)/python -c 'from prep_corpus.jobs.flex_template import metadata_text; print(metadata_text(), end="")' > docs/dataflow/metadata.json.new
	mv docs/dataflow/metadata.json.new docs/dataflow/metadata.json

reference: setup  ## Write docs/reference.md, docs/graph.md and docs/graph.svg from the code
	$(BIN)/python tests/pages.py

lint: setup  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: setup  ## Check types
	$(BIN)/mypy

check: lint types test  ## All of the above

bench-align: setup  ## Alignment against peers: time, memory, exactness
	$(BIN)/python benchmarks/alignment/bench_align.py

bench-pieces: setup  ## Alignment of an hour: a model in pieces beside one in characters
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/alignment/bench_pieces.py

same-bytes: setup  ## The demo's shards against those of REV, and whether its stage files are found
	$(BIN)/python benchmarks/cost/same_bytes.py $(REV)

bench-emit: setup  ## The model stage: real-time factors on CPU and GPU, memory
	$(BIN)/python benchmarks/cost/bench_emit.py

bench-windows: setup  ## How much frames and word times depend on where windows fall
	PYTHONPATH=$(SHARED)/models/quartznet15x5 $(BIN)/python benchmarks/quality/bench_windows.py

bench-hard: setup  ## Nobody speaks, and every condition: what is kept, and how wrong it is
	PYTHONPATH=$(SHARED)/models/quartznet15x5 $(BIN)/python benchmarks/quality/bench_hard.py nobody
	PYTHONPATH=$(SHARED)/models/quartznet15x5 $(BIN)/python benchmarks/quality/bench_hard.py conditions

bench-detours: setup  ## Unspoken words and untranscribed speech: right words skipped or misplaced
	PYTHONPATH=$(SHARED)/models/quartznet15x5 $(BIN)/python benchmarks/quality/bench_detours.py

bench-run: setup  ## CPU seconds of a whole run, by stage; with REV=COMMIT beside that commit, in the same run
	$(BIN)/python benchmarks/cost/bench_run.py $(MANIFEST) $(if $(REV),--against $(REV) --work hour clips)

bench-limits: setup  ## What codec and alignment cost alone, beside bench-run
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/cost/bench_limits.py

bench-real: setup  ## Long real recordings through the whole command: words kept, word errors, memory
	PYTHONPATH=$(SHARED)/models/quartznet15x5 $(BIN)/python benchmarks/quality/bench_real.py

bench-write: .venv/readers  ## Noise, encoding and writing against plain loops
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/cost/bench_write.py --hours 1 --memory-hours 20

bench-read: .venv/readers  ## Reading shards against other readers
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/cost/bench_read.py --hours 1

bench-scale: setup  ## Costs of the stages, runs at 1 and 2 workers or slots, and what large corpora need
	$(BIN)/python benchmarks/cost/bench_scale.py --flink

bench-quality: setup  ## Words kept and word errors on real speech with known truth
	$(BIN)/python tests/quality.py table

.PHONY: test-faults soak soak-live mutate mutate-live mutate-formats bench-memory bench-book
bench-book: setup  ## A chapter with its book, sections in another order, on real speech
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/quality/bench_book.py --shared ../shared --cache bench/emissions

bench-memory: setup  ## Peak memory of a run: one recording of an hour, and one of ten
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/cost/bench_memory.py

test-faults: setup  ## Faults from outside, each held or not; with REV=COMMIT or TREE=DIR, by that commit or checkout
	$(BIN)/python benchmarks/faults/faults.py $(if $(REV),--revision $(REV)) $(if $(TREE),--tree $(TREE))

soak: setup  ## An hour of runs under faults: kills, full disks, damaged files, twins, a store that refuses
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/soak.py --minutes 60

soak-live: setup  ## The short form of it: each kind of fault once, four minutes at most
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/soak.py --minutes 4 --faults 13

mutate: setup  ## 20,000 mutated inputs over every reader, in whole runs: hours
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/mutate.py --count 20000

mutate-live: setup  ## The short form of it: two minutes
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/mutate.py --count 20000 --minutes 2

mutate-formats: setup  ## 500 mutants of every format of transcript and packed input
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/mutate.py --only formats --each 500

clean:  ## Remove what the other targets made
	rm -rf .venv .types demo-run demo-image bench build dist *.egg-info
