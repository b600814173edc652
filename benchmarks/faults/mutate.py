"""Mutated inputs for every reader, in whole runs: good recordings keep their bytes, and no run ends early.

    python benchmarks/faults/mutate.py --count 20000 --seed 0        # make mutate
    python benchmarks/faults/mutate.py --count 500 --only recordings
    python benchmarks/faults/mutate.py --each 500 --only formats    # each format of transcripts and packed inputs

    recordings   runs of a hundred entries each (or `--entries`), ten of them good: the others are mutated audio files,
                 transcripts in every format, entries, cuts and RTTM files. Rows of the good ones must be those of a run
                 without the others.
    documents    one command each: mutated manifests as a whole (CSV, TSV, JSON lines, Kaldi), noise, filters, model
                 folders, TOML, and files of finished run folders: one line and a documented exit code, or it is done.
    formats      every format of transcript, RTTM, and what other tools pack, read as a run reads them, in the process
                 that parses: a transcript or a typed error, within 10 s and 1 GiB.

A mutant that fails is written to `--keep DIR`, where one is given, and printed with the seed that makes it again.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.insert(0, str(TESTS))

import pyarrow.parquet as pq  # noqa: E402
from mutate_formats import mutate_formats  # noqa: E402
from support.mutants import Material, mutated, mutated_document, write_mutants  # noqa: E402
from support.processes import Command  # noqa: E402
from support.runs import arguments, run, shards  # noqa: E402
from support.toy import write_corpus, write_filter  # noqa: E402

GOOD = 10
BOUND_SECONDS = 300.0
CODES = frozenset({0, 1, 2, 3, 4})
PLAIN = ("--min-pause-frames", "20", "--max-failed", "1", "--format", "parquet", "--quiet")


class Mutation:
    """One folder, its good recordings, and what happened so far.

    Attributes:
        counts: mutants by kind.
        reasons: dead letters by reason.
        failures: what went wrong, in words.
    """

    def __init__(self, root: Path, seed: int, keep: Path | None) -> None:
        self.root, self.seed, self.keep = root, seed, keep
        self.material = Material.made()
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.failures: list[str] = []
        self.crashes = 0
        self.slowest = 0.0
        good = write_corpus(root / "corpus", recordings=GOOD, sentences=2)
        write_filter(good.parent / "filter.json")
        self.corpus, self.good_lines = good.parent, good.read_bytes().splitlines()
        run(good, root / "reference", *PLAIN)
        self.wanted = rows(root / "reference")
        assert self.wanted

    def fail(self, what: str) -> None:
        """Note what went wrong."""
        self.failures.append(what)
        print(what, flush=True)

    def command(self, *words: str, name: str) -> tuple[int, str]:
        """Run a command; it must end in time, with a documented exit code and without a traceback."""
        began = time.monotonic()
        try:
            done = Command(*words).finish(BOUND_SECONDS)
        except AssertionError as error:
            self.fail(f"{name}: {error}")
            return -99, ""
        self.slowest = max(self.slowest, time.monotonic() - began)
        said = done.stdout + done.stderr
        if done.returncode >= 0 and (done.returncode not in CODES or "Traceback" in said or "defect" in said):
            self.fail(f"{name}: exit {done.returncode}: {said[-1500:]}")
        if done.returncode in (1, 2) and words[0] != "check":
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            reasons = [line for line in lines if line.startswith("Error: ")]
            if "--quiet" in words:
                # Nothing but that is said then.
                reasons = [line for line in lines if not line.startswith("warning: ")]
            if (
                not lines
                or not lines[-1].startswith("Error: ")
                or (done.returncode == 1 and len(reasons) > 1)
            ):
                self.fail(f"{name}: exit {done.returncode} without one line: {said[-1500:]}")
        return done.returncode, said

    def recordings(self, number: int, entries: int) -> None:
        """A run of so many entries, the good ones among them."""
        name = f"recordings, seed {self.seed}, run {number}"
        chance = random.Random(f"{self.seed} {number}")
        shutil.rmtree(self.corpus / "mutants", ignore_errors=True)
        lines = write_mutants(self.corpus, self.material, chance, entries - GOOD)
        for place, line in enumerate(self.good_lines):
            lines.insert(chance.randrange(len(lines)) if place else 0, line)
        manifest, out = self.corpus / "mixed.jsonl", self.root / "run"
        manifest.write_bytes(b"\n".join(lines) + b"\n")
        shutil.rmtree(out, ignore_errors=True)
        words = arguments(manifest, out, *PLAIN)
        code, said = self.command(*words, name=name)
        while code < 0 and code != -99 and self.crashes < 20:
            # A crash inside a codec is found, and named, by the next run.
            self.crashes += 1
            print(f"{name}: a run was ended by signal {-code}", flush=True)
            code, said = self.command(*words, name=name)
        self.counts["recordings"] += len(lines) - GOOD
        before = len(self.failures)
        if code not in (0, 3):
            self.fail(f"{name}: ended early with {code}: {said[-1500:]}")
        else:
            found = rows(out)
            for key, row in self.wanted.items():
                if found.get(key) != row:
                    self.fail(f"{name}: {key} is not what it is without the others")
            self._letters(out, name)
        self._kept(len(self.failures) > before, self.corpus, f"recordings-{number}")

    def _letters(self, out: Path, name: str) -> None:
        for line in (out / "dead-letters.jsonl").read_text(encoding="utf-8").splitlines():
            letter: dict[str, Any] = json.loads(line)
            self.reasons[letter["reason"]] += 1
            if letter["reason"] in ("internal-error", "parser-failed"):
                self.fail(f"{name}: {letter['recording_id'][:200]}: {letter['message'][-1500:]}")

    def _kept(self, failed: bool, folder: Path, name: str) -> None:
        if failed and self.keep is not None:
            shutil.copytree(folder, self.keep / name, dirs_exist_ok=True)

    def document(self, number: int) -> None:
        """One command with one mutated document."""
        chance = random.Random(f"{self.seed} document {number}")
        kinds = (self._manifest, self._noise, self._filter, self._model, self._toml, self._run_folder)
        kind = kinds[number % len(kinds)]
        name = f"{kind.__name__[1:]}, seed {self.seed}, number {number}"
        folder = self.root / "document"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        before = len(self.failures)
        kind(folder, chance, name)
        self.counts[kind.__name__[1:]] += 1
        self._kept(len(self.failures) > before, folder, f"document-{number}")

    def _manifest(self, folder: Path, chance: random.Random, name: str) -> None:
        entries = [json.loads(line) for line in self.good_lines[:2]]
        for entry in entries:
            entry["audio_filepath"] = str(self.corpus / entry["audio_filepath"])
            entry["text_filepath"] = str(self.corpus / entry["text_filepath"])
        kind = chance.choice(("jsonl", "csv", "tsv", "json.gz", "kaldi"))
        if kind == "kaldi":
            manifest = folder / "kaldi"
            manifest.mkdir()
            sounds = "".join(f"r{n} {entry['audio_filepath']}\n" for n, entry in enumerate(entries))
            files = {"wav.scp": sounds, "text": "r0 river stone\nr1 light\n", "utt2spk": "r0 a\nr1 b\n"}
            wrong = chance.choice(sorted(files))
            for file, text in files.items():
                data = text.encode()
                (manifest / file).write_bytes(mutated(data, chance) if file == wrong else data)
        else:
            manifest = folder / f"m.{kind}"
            separator = {"csv": ",", "tsv": "\t"}.get(kind)
            if separator is None:
                lines = [json.dumps(entry) for entry in entries]
            else:
                lines = [separator.join(row) for row in (entries[0], *(entry.values() for entry in entries))]
            manifest.write_bytes(mutated("\n".join(lines).encode(), chance))
        shutil.copy(self.corpus / "filter.json", folder)
        words = arguments(manifest, folder / "out", *PLAIN)
        words[words.index("--filter") + 1] = str(self.corpus / "filter.json")
        self.command(*words, name=name)

    def _run(self, folder: Path, name: str, *more: str) -> None:
        self.command(*arguments(self.corpus / "manifest.jsonl", folder / "out", *PLAIN, *more), name=name)

    def _noise(self, folder: Path, chance: random.Random, name: str) -> None:
        sound = chance.choice(sorted(self.material.audio))
        noise = folder / "noise"
        noise.mkdir()
        (noise / sound).write_bytes(
            mutated(self.material.audio[sound], chance, list(self.material.audio.values()))
        )
        if chance.random() < 0.4:
            listed = [{"audio_filepath": str(noise / sound)}]
            noise = folder / "noise.jsonl"
            noise.write_bytes(mutated_document(listed[0], chance).replace(b"\n", b" ") + b"\n")
        self._run(folder, name, "--noise", str(noise), "--dry-run" if chance.random() < 0.2 else "--seed=1")

    def _filter(self, folder: Path, chance: random.Random, name: str) -> None:
        document = json.loads((self.corpus / "filter.json").read_text())
        path = folder / "filter.json"
        path.write_bytes(mutated_document(document, chance))
        self._run(folder, name, "--filter", str(path), "--max-wer", "0.05")

    def _model(self, folder: Path, chance: random.Random, name: str) -> None:
        model = folder / "model"
        small_model(model)
        path = model / chance.choice(("config.json", "model.safetensors"))
        data = path.read_bytes()
        json_only = path.suffix == ".json" and chance.random() < 0.6
        path.write_bytes(mutated_document(json.loads(data), chance) if json_only else mutated(data, chance))
        self._run(folder, name, "--model", str(model))

    def _toml(self, folder: Path, chance: random.Random, name: str) -> None:
        text = b"seed = 3\nmax-wer = 0.05\nnoise-fraction = 0.4\nsnr-db = [0.0, 10.0]\nformat = ['parquet']\n"
        path = folder / "run.toml"
        path.write_bytes(mutated(text, chance))
        self._run(folder, name, "--config", str(path))

    def _run_folder(self, folder: Path, chance: random.Random, name: str) -> None:
        out = folder / "out"
        shutil.copytree(self.root / "reference", out)
        path = chance.choice(
            [path for path in sorted(out.rglob("*")) if path.is_file() and path.stat().st_size]
        )
        data = path.read_bytes()
        is_json = path.suffix == ".json" and chance.random() < 0.5
        path.write_bytes(mutated_document(json.loads(data), chance) if is_json else mutated(data, chance))
        shown = f"{name}: {path.relative_to(out)}"
        command = chance.choice(("check", "status", "report", "run", "export", "clean"))
        if command == "run":
            self._run(folder, shown, "--force")
            published = {
                row["path"] for row in json.loads((out / "manifest.json").read_text())["formats"]["parquet"]
            }
            if path.relative_to(out).as_posix() not in published and shards(out) != shards(
                self.root / "reference"
            ):
                self.fail(f"{shown}: the run made other shards")
        elif command == "export":
            self.command("export", str(out), "--out", str(folder / "export"), "--quiet", name=shown)
        elif command == "clean":
            self.command("clean", str(out), "--yes", name=shown)
        else:
            self.command(command, str(out), name=shown)


def rows(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of the good recordings, by id."""
    listed = json.loads((out / "manifest.json").read_text())["formats"].get("parquet", [])
    found = [row for shard in listed for row in pq.read_table(out / shard["path"]).to_pylist()]
    return {row["id"]: row for row in found if row["recording_id"].startswith("talk")}


def small_model(folder: Path) -> None:
    """A model folder of the project's own kind, with random weights."""
    import torch

    from prep_corpus.align.model.network import Network, NetworkConfig, save

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    network = Network(NetworkConfig(hidden=8, convolution_blocks=1, recurrent_layers=1, mel_bands=16))
    save(network, folder / "config.json", folder / "model.safetensors")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--entries", type=int, default=100, help="of a run of recordings, ten of them good")
    parser.add_argument("--documents", type=int, default=6, help="after each of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="stop after so many")
    parser.add_argument("--only", choices=["recordings", "documents", "formats"])
    parser.add_argument("--each", type=int, default=500, help="with --only formats: mutants of each format")
    parser.add_argument("--keep", type=Path, help="folder for what fails")
    given = parser.parse_args()
    began = time.monotonic()
    if given.only == "formats":
        with tempfile.TemporaryDirectory(prefix="prep-corpus-mutate-") as folder:
            outcomes = mutate_formats(Path(folder), given.seed, given.each, given.keep)
        failed = sum(len(outcome.failures) for outcome in outcomes.values())
        print(
            f"{len(outcomes)} formats, {given.each} mutants each, {failed} failed, {time.monotonic() - began:.0f} s"
        )
        return 1 if failed else 0
    with tempfile.TemporaryDirectory(prefix="prep-corpus-mutate-") as folder:
        mutation = Mutation(Path(folder), given.seed, given.keep)
        number = 0
        while sum(mutation.counts.values()) < given.count:
            if given.minutes is not None and time.monotonic() - began > 60 * given.minutes:
                break
            if given.only != "documents":
                mutation.recordings(number, given.entries)
            if given.only != "recordings":
                for place in range(given.documents):
                    mutation.document(given.documents * number + place)
            number += 1
            print(f"{sum(mutation.counts.values())} mutants, {len(mutation.failures)} failures", flush=True)
    summary = {
        "seed": given.seed,
        "mutants": sum(mutation.counts.values()),
        "kinds": dict(mutation.counts),
        "dead letters": dict(mutation.reasons.most_common()),
        "runs that a codec crashed": mutation.crashes,
        "slowest command, seconds": round(mutation.slowest, 1),
        "failed": len(mutation.failures),
    }
    print(json.dumps(summary, indent=1))
    return 1 if mutation.failures else 0


if __name__ == "__main__":
    sys.exit(main())
