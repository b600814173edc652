"""What a corpus of any size needs on a cluster of any size, from costs that were measured on a small one.

A corpus is a list of bundles, cut by the same rule as a real one. Each stage takes the bundles in order and gives the
next to the first worker that is free. Stages wait for each other where the graph makes them wait:

    emit ── align and measure ── (k) ── segment ── (shard plan) ── write

    seconds of a bundle in a stage  =  hours x per_hour  +  recordings x per_recording  +  per_bundle
    seconds of emit on a GPU        =  the greater of the model's on the GPU and of decoding on the worker's cores

A core takes longer where its neighbours work too, for they share caches and memory: costs are of a core whose machine
does nothing else, or `slowed` to those of a machine at work on all cores, which a cluster's are.

What it leaves out: the network's width, quotas, machines that are lost, and the minutes in which machines start.
`make bench-scale` measures the costs, and compares what this says of the measured runs with what they took.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.inputs.bundles import longest_bundle_seconds, stands_alone

OBJECTS_OF_A_BUNDLE = 6
"""Its list of recordings, emissions, alignments, measures, segments and clips."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds that a stage takes.

    Attributes:
        per_hour: of audio.
        per_recording: besides.
        per_bundle: besides.
    """

    per_hour: float
    per_recording: float = 0.0
    per_bundle: float = 0.0

    def of(self, bundle: BundleSize) -> float:
        """Seconds for one bundle."""
        return self.per_hour * bundle.hours + self.per_recording * bundle.recordings + self.per_bundle

    def slowed(self, factor: float) -> Cost:
        """The same work where it takes so many times as long."""
        return Cost(
            per_hour=self.per_hour * factor,
            per_recording=self.per_recording * factor,
            per_bundle=self.per_bundle * factor,
        )


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was measured.

    Attributes:
        probe: of the machine that submits, for each recording.
        decode: the part of emit that a GPU does not take over.
        model: the part that it does, where there is none.
        align: measure included.
        segment: with the second decoding.
        write: all formats, noise included.
        bytes_per_hour: of "audio", "emissions", "alignments", "segments", "clips" and "shards".
    """

    probe: Cost
    decode: Cost
    model: Cost
    align: Cost
    segment: Cost
    write: Cost
    bytes_per_hour: Mapping[str, float]

    def slowed(self, factors: Mapping[str, float]) -> Costs:
        """The costs of a core whose neighbours work too.

        Args:
            factors: CPU seconds there by CPU seconds alone, of "emit", "align", "segment" and "write".
        """
        return replace(
            self,
            decode=self.decode.slowed(factors["emit"]),
            model=self.model.slowed(factors["emit"]),
            align=self.align.slowed(factors["align"]),
            segment=self.segment.slowed(factors["segment"]),
            write=self.write.slowed(factors["write"]),
        )


@dataclass(frozen=True, kw_only=True)
class BundleSize:
    """Hours of audio, and recordings."""

    hours: float
    recordings: int


@dataclass(frozen=True, kw_only=True)
class Machines:
    """A cluster.

    Attributes:
        gpus: one to a worker; 0 to run the model on the CPU workers.
        cores_per_gpu: of such a worker, for decoding.
        cores: of the CPU workers together; a bundle takes one.
        gpu_real_time: hours of audio that the model takes through one GPU in an hour.
        probe_threads: of the machine that submits.
        start_seconds: before the first stage, and between stages.
    """

    gpus: int
    cores_per_gpu: int = 8
    cores: int
    gpu_real_time: float = 0.0
    probe_threads: int = 16
    start_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.gpus < 0 or self.cores < 1:
            raise UsageError(f"a cluster has a core at least: {self.gpus} GPUs, {self.cores} cores")
        if self.gpus and self.gpu_real_time <= 0:
            raise UsageError(f"a GPU takes audio at a rate over 0, not {self.gpu_real_time}")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a corpus needs on a cluster.

    Attributes:
        bundles: of the corpus.
        gpu_hours, cpu_hours: that are worked, not waited.
        read_bytes, written_bytes: from and to the store, source audio included.
        objects: in the run folder at the end.
        wall_hours: from submission to the published manifest.
        stage_hours: the wall time by stage.
    """

    bundles: int
    gpu_hours: float
    cpu_hours: float
    read_bytes: float
    written_bytes: float
    objects: int
    wall_hours: float
    stage_hours: Mapping[str, float]


def cut_corpus(hours: float, recording_seconds: float, seed: int = 0) -> list[BundleSize]:
    """The bundles of a corpus of recordings of one length, with hashes that fall by chance.

    Args:
        hours: of the corpus.
        recording_seconds: of each recording.
        seed: of the chance.
    """
    chance = random.Random(seed)
    left = whole = max(1, round(hours * 3600 / recording_seconds))
    bundles = []
    while left:
        before_seconds = (whole - left) * recording_seconds
        longest = longest_bundle_seconds(before_seconds)
        alone = stands_alone(recording_seconds, before_seconds)
        border = 1.0 if alone else min(max(recording_seconds, 1.0) / longest, 1.0)
        most = math.ceil(longest / recording_seconds)
        # A geometric number of recordings up to the first border, by inversion.
        drawn = 1 if border == 1.0 else 1 + int(math.log(1.0 - chance.random()) / math.log(1.0 - border))
        count = min(drawn, most, left)
        bundles.append(BundleSize(hours=count * recording_seconds / 3600, recordings=count))
        left -= count
    return bundles


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Wall time of tasks in order on workers that each take the next when they are free."""
    if not seconds:
        return 0.0
    free = [0.0] * min(workers, len(seconds))
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def simulate(bundles: Sequence[BundleSize], costs: Costs, machines: Machines, shard_bytes: float) -> Need:
    """What a corpus needs.

    Args:
        bundles: of the corpus.
        costs: as measured.
        machines: of the cluster.
        shard_bytes: target size of a shard, see `--shard-mb`.
    """
    hours = sum(bundle.hours for bundle in bundles)
    sizes = costs.bytes_per_hour
    shards = max(1, math.ceil(hours * sizes["shards"] / shard_bytes))
    decode = [costs.decode.of(bundle) for bundle in bundles]
    model = [costs.model.of(bundle) for bundle in bundles]
    if machines.gpus:
        on_gpu = [3600 * bundle.hours / machines.gpu_real_time for bundle in bundles]
        emit = [max(on, off / machines.cores_per_gpu) for on, off in zip(on_gpu, decode)]
        emit_seconds, gpu_hours = makespan(emit, machines.gpus), sum(on_gpu) / 3600
    else:
        emit = [on + off for on, off in zip(model, decode)]
        emit_seconds, gpu_hours = makespan(emit, machines.cores), 0.0
    per_shard = [costs.write.per_hour * hours / shards] * shards
    probes = [costs.probe.of(bundle) for bundle in bundles]
    stages = {
        "probe": makespan(probes, machines.probe_threads),
        "emit": emit_seconds,
        "align": makespan([costs.align.of(bundle) for bundle in bundles], machines.cores),
        "segment": makespan([costs.segment.of(bundle) for bundle in bundles], machines.cores),
        "write": makespan(per_shard, machines.cores),
    }
    cpu = sum(decode) + (0.0 if machines.gpus else sum(model)) + sum(probes) + sum(per_shard)
    cpu += sum(costs.align.of(bundle) + costs.segment.of(bundle) for bundle in bundles)
    work = ("emissions", "alignments", "segments", "clips")
    return Need(
        bundles=len(bundles),
        gpu_hours=gpu_hours,
        cpu_hours=cpu / 3600,
        # Audio twice; emissions by align, measure and segment, alignments by the last two, clips by write.
        read_bytes=hours
        * (
            2 * sizes["audio"]
            + 3 * sizes["emissions"]
            + 2 * sizes["alignments"]
            + sizes["segments"]
            + sizes["clips"]
        ),
        written_bytes=hours * (sum(sizes[name] for name in work) + sizes["shards"]),
        objects=OBJECTS_OF_A_BUNDLE * len(bundles) + 2 * shards + 6,
        wall_hours=(sum(stages.values()) + machines.start_seconds * len(stages)) / 3600,
        stage_hours={stage: seconds / 3600 for stage, seconds in stages.items()},
    )


def local_seconds(
    bundles: Sequence[BundleSize], alone: Costs, crowded: Costs, threads: int, start_seconds: float
) -> float:
    """Wall time of a run on one machine, which takes one large bundle after another, and small ones side by side.

    The model's windows go side by side on the threads, and the recordings of a bundle do; one recording's alignment,
    decoding and cutting do not, and neither do shards.

    Args:
        bundles: of the corpus.
        alone: costs where one core works.
        crowded: costs where all do that the run's threads are on.
        threads: `--workers`.
        start_seconds: of the program, and of all that is no stage.
    """
    seconds = start_seconds + sum(alone.write.of(bundle) for bundle in bundles)
    small = [bundle for bundle in bundles if threads > 1 and bundle.hours * threads <= 1.0]
    for cost in (crowded.decode, crowded.model, crowded.align, crowded.segment):
        seconds += makespan([cost.of(bundle) for bundle in small], threads)
    for bundle in bundles:
        if threads > 1 and bundle.hours * threads <= 1.0:
            continue
        side_by_side = min(threads, bundle.recordings)
        on_threads = alone if threads == 1 else crowded
        seconds += max(
            (on_threads.model.of(bundle) + on_threads.decode.of(bundle)) / threads, alone.decode.of(bundle)
        )
        per_recording = alone if side_by_side == 1 else crowded
        seconds += (per_recording.align.of(bundle) + per_recording.segment.of(bundle)) / side_by_side
    return seconds
