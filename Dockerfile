# prep-corpus on one machine with Docker or Podman; `make image` builds it and runs the demo in it.
#
#   docker run --rm --volume "$PWD:/work" prep-corpus run manifest.jsonl --out my-run
#
# Paths are those below the folder that is mounted at /work. Images for clusters: docs/dataflow/Dockerfile.
# BASE may be any image that has this Python and its venv, such as one of your own registry or of this machine.

ARG PYTHON=3.11
ARG BASE=python:${PYTHON}-slim
FROM ${BASE}

RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/prep-corpus
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY align align
COPY augment augment
COPY filters filters
COPY jobs jobs
COPY pipeline pipeline
RUN pip install --constraint constraints.txt . && pip check && prep-corpus --version

# Compiled loops are kept here, whoever runs; on another kind of processor than this one they are compiled once more,
# and what is kept must be replaceable by any user.
ENV NUMBA_CACHE_DIR=/opt/numba-cache
RUN mkdir -m 0777 /opt/numba-cache && umask 0 && python -m prep_corpus.pipeline.compiled_loops

WORKDIR /work
ENTRYPOINT ["prep-corpus"]
