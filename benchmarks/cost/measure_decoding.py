"""CPU seconds that decoding takes for an hour of audio: `python benchmarks/cost/measure_decoding.py FILE...`."""

from __future__ import annotations

import argparse
import time

from prep_corpus.align.audio import decode as audio

RATE_HZ = 16_000


def main(paths: list[str]) -> None:
    """Decode each file once, and print one line for it."""
    for path in paths:
        with open(path, "rb") as file:
            header = audio.probe(file, name=path)
            start = time.process_time()
            samples = sum(len(block) for block in audio.decode(file, name=path, sample_rate_hz=RATE_HZ))
            cpu_seconds = time.process_time() - start
        hours = samples / RATE_HZ / 3600
        print(
            f"{path}: {header.sample_rate_hz} Hz, {header.channels} channels, {hours * 60:.1f} minutes, "
            f"{cpu_seconds / hours:.2f} CPU s/h"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    main(parser.parse_args().files)
