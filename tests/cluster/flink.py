"""The demo corpus on a real Flink cluster: `make test-flink`, and a short run for CI.

    whole    demo corpus through `submit flink`, byte-identical to the local run; the same with a judge, where the
             models of ../shared are; then many bundles, with one task manager killed in the middle of the emit stage
    live     the many bundles once, on one cluster, without a kill; the counters that Flink was told

Everything listens on the loopback, and ends with this program.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apache_beam.coders import VarIntCoder
from flink_cluster import Cluster, NoJava, Unavailable, fetch_jars

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
FORMATS = ("--format", "parquet", "--format", "tfrecord", "--shard-mb", "1", "--noise", str(DEMO / "noise"))
SHARED = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
MODELS = [str(SHARED / "models" / name) for name in ("quartznet15x5", "quartznet-bpe")]
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([*MODELS, *filter(None, [os.environ.get("PYTHONPATH")])]),
}


def command(*arguments: str) -> list[str]:
    """`prep-corpus` of this Python."""
    return [sys.executable, "-m", "prep_corpus.jobs.cli", *arguments]


def say(text: str) -> None:
    """A line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def many_bundles(folder: Path, copies: int) -> Path:
    """A manifest of the demo's recordings, several times, with ids whose hashes make each a bundle of its own."""
    lines = []
    for entry in map(json.loads, (DEMO / "manifest.jsonl").read_text().splitlines()):
        for copy in range(copies):
            for trial in range(100_000):
                id_ = f"{entry['id']}-{copy}-{trial}"
                hashed = hashlib.blake2b(id_.encode(), digest_size=8).digest()
                if int.from_bytes(hashed, "big") / 2**64 < entry["duration"] / 3600:
                    break
            paths = {key: str(DEMO / entry[key]) for key in ("audio_filepath", "text_filepath")}
            lines.append(json.dumps({**entry, **paths, "id": id_}))
    manifest = folder / f"many-{copies}.jsonl"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def published(out: Path) -> dict[str, bytes]:
    """The bytes of every shard that the manifest lists."""
    listed = json.loads((out / "manifest.json").read_text())["formats"]
    return {
        shard["path"]: (out / shard["path"]).read_bytes() for shards in listed.values() for shard in shards
    }


def checked(out: Path) -> list[str]:
    """What `check` says of a run: its problems, then the sums."""
    done = subprocess.run(
        command("check", str(out)), capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.stdout.strip(), done.stderr
    return [*sorted(done.stderr.splitlines()), done.stdout.strip()]


def compare(out: Path, reference: Path, *, has_copies: bool = False) -> None:
    """See that a run published what the local one did, to the byte, and that nothing is lost or doubled."""
    ours, theirs = published(out), published(reference)
    assert sorted(ours) == sorted(theirs), f"shards {sorted(ours)}, not {sorted(theirs)}"
    different = [path for path in ours if ours[path] != theirs[path]]
    assert not different, f"other bytes than the local run's: {different}"
    for name in ("ledgers", "utterances", "noisy", "entries", "failed"):
        found, wanted = (json.loads((run / "outcome.json").read_text())[name] for run in (out, reference))
        assert found == wanted, f"{name}: {found}, not {wanted}"
    # Copies of a recording have the same audio by design; the check must find that, and nothing else.
    found, wanted = checked(out), checked(reference)
    assert found == wanted, f"{found}\nbut of the local run\n{wanted}"
    kinds = {line.partition(":")[0] for line in found[:-1]}
    assert kinds <= ({"duplicate-audio"} if has_copies else set()), f"the check finds {kinds}"


def run_locally(manifest: Path, out: Path, *more: str) -> None:
    """The reference."""
    arguments = ("run", str(manifest), "--out", str(out), *FORMATS, *more, "--quiet")
    subprocess.run(command(*arguments), check=True, env=ENVIRONMENT)


@contextlib.contextmanager
def worker_pool() -> Iterator[str]:
    """Workers for the task managers; yields their address."""
    pool = subprocess.Popen(
        command("workers", "--port", "0"),
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        assert pool.stdout is not None
        yield pool.stdout.readline().rpartition(" ")[2].strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pool.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            pool.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pool.pid, signal.SIGKILL)


def submission(cluster: Cluster, pool: str, manifest: Path, out: Path, *more: str) -> list[str]:
    """The command that submits a run."""
    return command(
        *("submit", "flink", str(manifest), "--out", str(out), "--master", cluster.master),
        *("--jar", str(cluster.jars.job_server)),
        *("--worker-pool", pool, "--workers", "2", "--name", "demo", *FORMATS, *more),
    )


def kill_in_emit(cluster: Cluster, out: Path, bundles: int) -> str:
    """Kill the task manager that runs an emit task while some bundles are emitted and others are not."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        emitted = len(list((out / "work" / "emit").glob("*.parquet")))
        assert emitted < bundles, "the emit stage was over before a task manager could be killed"
        if emitted >= 2:
            (job,) = [job for job in cluster.ask("jobs/overview")["jobs"] if job["state"] == "RUNNING"]
            for vertex in cluster.ask(f"jobs/{job['jid']}")["vertices"]:
                # A step of its own in a fused stage's name; "SpreadEmitted" is another's.
                if re.search(r"\bEmit\b|EmitBundles", vertex["name"]):
                    tasks = cluster.ask(f"jobs/{job['jid']}/vertices/{vertex['id']}")["subtasks"]
                    names = [task["taskmanager-id"] for task in tasks if task["status"] == "RUNNING"]
                    if names:
                        cluster.kill(names[0])
                        return str(names[0])
        time.sleep(0.05)
    raise TimeoutError("no emit task ran for ten minutes")


def restarted(cluster: Cluster) -> bool:
    """Whether the last job met the loss of a task manager."""
    job: dict[str, Any] = max(cluster.ask("jobs/overview")["jobs"], key=lambda one: one["start-time"])
    return bool(cluster.ask(f"jobs/{job['jid']}/exceptions")["exceptionHistory"]["entries"])


def counted(cluster: Cluster) -> Counter[str]:
    """What our own counters came to in the last job, by STAGE/NAME, as Flink's interface gives them."""
    job = max(cluster.ask("jobs/overview")["jobs"], key=lambda one: one["start-time"])
    found: Counter[str] = Counter()
    for accumulator in cluster.ask(f"jobs/{job['jid']}/accumulators")["user-task-accumulators"]:
        if accumulator["name"] == "__metricscontainers":
            for one in json.loads(accumulator["value"])["metrics"]["attempted"]:
                space, _, stage = one["labels"].get("NAMESPACE", "").partition(".")
                if space == "prep_corpus" and one["urn"] == "beam:metric:user:sum_int64:v1":
                    found[f"{stage}/{one['labels']['NAME']}"] += VarIntCoder().decode(
                        base64.b64decode(one["payload"])
                    )
    return found


def see_counters(cluster: Cluster, out: Path, recordings: int) -> None:
    """See that Flink was told what the run did."""
    found = counted(cluster)
    outcome = json.loads((out / "outcome.json").read_text())
    wanted = {f"{stage}/recordings": recordings for stage in ("emit", "align", "segment")}
    wanted |= {"segment/utterances_kept": outcome["utterances"], "close/dead_letters": outcome["failed"]}
    told = {name: found[name] for name in wanted}
    assert told == wanted, f"Flink's counters are {dict(found)}, not {wanted}"
    assert found["emit/audio_milliseconds"] > 0
    say(f"Flink's counters hold what the run did: {json.dumps(dict(sorted(found.items())))}")


def test_demo(cluster: Cluster, pool: str, folder: Path) -> None:
    """The demo corpus, as `make demo` runs it."""
    run_locally(DEMO / "manifest.jsonl", folder / "demo-local")
    say("the demo corpus ran locally")
    out = folder / "demo-flink"
    subprocess.run(
        submission(cluster, pool, DEMO / "manifest.jsonl", out), check=True, env=ENVIRONMENT, timeout=600
    )
    compare(out, folder / "demo-local")
    say("the demo corpus ran on Flink: every shard has the bytes of the local run's")


def test_judge(cluster: Cluster, pool: str, folder: Path) -> None:
    """What the model reads, with a second model's emissions as a side input."""
    if not (SHARED / "models").is_dir():
        say("SKIPPED: a judge needs the models of ../shared")
        return
    manifest = many_bundles(folder, 1)
    words = (
        "--model",
        "quartznet:acoustic_model",
        "--judge",
        "quartznet_bpe:acoustic_model",
        "--read",
        "all",
    )
    run_locally(manifest, folder / "judge-local", *words)
    out = folder / "judge-flink"
    subprocess.run(submission(cluster, pool, manifest, out, *words), check=True, env=ENVIRONMENT, timeout=900)
    compare(out, folder / "judge-local")
    ledgers = json.loads((out / "outcome.json").read_text())["ledgers"]
    assert any("model" in name for ledger in ledgers.values() for name in ledger), (
        f"nothing was read: {ledgers}"
    )
    say("with a judge every shard has the bytes of the local run's")


def test_kill(cluster: Cluster, pool: str, folder: Path) -> None:
    """A task manager is killed in the middle of the emit stage."""
    manifest = many_bundles(folder, 4)
    bundles = len(manifest.read_text().splitlines())
    run_locally(manifest, folder / "many-local")
    out = folder / "many-flink"
    job = subprocess.Popen(submission(cluster, pool, manifest, out), env=ENVIRONMENT)
    try:
        killed = kill_in_emit(cluster, out, bundles)
        say(f"killed {killed} in the emit stage")
        assert job.wait(900) == 0
    finally:
        job.kill()
    assert restarted(cluster), "the job did not notice"
    assert len(list((out / "work" / "emit").glob("*.parquet"))) == bundles
    compare(out, folder / "many-local", has_copies=True)
    say("with a task manager killed in the emit stage every shard has the bytes of the local run's")


def test_live(cluster: Cluster, pool: str, folder: Path) -> None:
    """Six bundles once."""
    manifest = many_bundles(folder, 1)
    run_locally(manifest, folder / "live-local")
    out = folder / "live-flink"
    subprocess.run(submission(cluster, pool, manifest, out), check=True, env=ENVIRONMENT, timeout=600)
    compare(out, folder / "live-local")
    see_counters(cluster, out, len(manifest.read_text().splitlines()))
    say(f"{len(manifest.read_text().splitlines())} recordings ran on Flink, as locally to the byte")


def main() -> int:
    """Bring everything up, run, and take it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", choices=["whole", "live"])
    parser.add_argument("--cache", type=Path, default=ROOT / ".flink")
    parser.add_argument(
        "--skip-without-java", action="store_true", help="Exit with 0 where Java or Maven is missing."
    )
    options = parser.parse_args()
    try:
        jars = fetch_jars(options.cache)
    except Unavailable as error:
        skipped = options.skip_without_java and isinstance(error, NoJava)
        print(f"{'SKIPPED' if skipped else 'FAILED'}: {error}", file=sys.stderr)
        return 0 if skipped else 1
    say(jars.versions)
    # So that a SIGTERM, as of `timeout`, runs the clean-up below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="prep-corpus-flink-"))
    cluster = Cluster(jars=jars, folder=folder / "flink")
    try:
        with worker_pool() as pool:
            cluster.start(2)
            say(f"a job manager and two task managers are up at {cluster.master}")
            for test in (test_demo, test_judge, test_kill) if options.which == "whole" else (test_live,):
                test(cluster, pool, folder)
    except BaseException:
        for name in cluster.processes:
            print(f"--- {name}\n{cluster.log(name)[-4000:]}", file=sys.stderr)
            shutil.copy(cluster.folder / f"{name}.log", options.cache)
        raise
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    say("all is well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
