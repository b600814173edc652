"""What the training commands do: prepare the material, train, report.

Everything lies in the run's folder: prepared/ (log-mels and the teacher's frames), synthetic/ (speech of
synthesisers), checkpoint.safetensors, curve.jsonl, and at the end config.json and model.safetensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.devices import default_device
from prep_corpus.align.model.models import LoadedModel, load_model
from prep_corpus.align.model.network import NetworkConfig, load_network
from prep_corpus.jobs.training.english import NOISE_SET, SYNTHETIC_WEIGHT, SpeechSet, sentences, sets_of
from prep_corpus.jobs.training.error_rates import ErrorRate
from prep_corpus.jobs.training.manifest_rows import ManifestRow
from prep_corpus.jobs.training.material import parts
from prep_corpus.jobs.training.prepare import Speech, manifest_speech, prepare, shard_speech
from prep_corpus.jobs.training.synthesise import synthesise
from prep_corpus.jobs.training.train import LearningPoint, train
from prep_corpus.jobs.training.train_config import TAUGHT, UNTAUGHT, TrainConfig

Echo = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class TrainingMaterial:
    """What `prep-corpus train` learns from.

    Attributes:
        shards: finished runs of the main job.
        split: split of the shards, to learn from.
        held_out_split: split of the shards, to validate on; "" for none.
        manifests: short recordings, with text or without.
        held_out: recordings with text, to validate on.
        noise: manifest of noise clips, or None.
    """

    shards: tuple[str, ...] = ()
    split: str = "train"
    held_out_split: str = ""
    manifests: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    noise: str | None = None

    def __post_init__(self) -> None:
        if not self.shards and not self.manifests:
            raise UsageError("train: give --shards or --manifest, or both")


class _Preparer:
    """Prepares sets below one folder with one teacher."""

    def __init__(self, folder: Path, network: NetworkConfig, teacher: LoadedModel | None, echo: Echo) -> None:
        self._folder, self._network, self._teacher, self._echo = folder, network, teacher, echo

    def prepare(self, name: str, speech: Iterator[Speech], *, taught: bool = True) -> Path:
        """Prepare one set; its folder."""
        folder = self._folder / name
        for seconds in prepare(
            speech, folder, network=self._network, teacher=self._teacher if taught else None
        ):
            self._echo(f"prepared {name}: {seconds / 60:.1f} minutes")
        return folder

    def manifest(
        self, name: str, uri: str, wanted: Callable[[ManifestRow], bool], *, taught: bool = True
    ) -> Path:
        """Prepare the rows of a manifest that `wanted` picks."""
        return self.prepare(name, manifest_speech(uri, self._network.sample_rate_hz, wanted), taught=taught)


def _everything(row: ManifestRow) -> bool:
    return True


def run_training(
    material: TrainingMaterial,
    *,
    out: Path,
    teacher: str | None,
    start: str | None = None,
    minutes: float,
    steps: int,
    device: str | None,
    seed: int,
    echo: Echo,
    network: NetworkConfig | None = None,
) -> list[ErrorRate]:
    """Prepare shards and manifests, then train on them; see `TrainingMaterial` and `TrainConfig`."""
    shape = network or _shape(start)
    device = device or default_device()
    loaded = load_model(teacher, device) if teacher else None
    preparer = _Preparer(out / "prepared", shape, loaded, echo)
    rate = shape.sample_rate_hz
    sources = [
        preparer.prepare(f"shards-{i}", shard_speech(uri, material.split, rate))
        for i, uri in enumerate(material.shards)
    ]
    sources += [
        preparer.manifest(f"manifest-{i}", uri, _everything) for i, uri in enumerate(material.manifests)
    ]
    held_out = [
        preparer.manifest(f"held-out-{i}", uri, _everything, taught=False)
        for i, uri in enumerate(material.held_out)
    ]
    if material.held_out_split:
        held_out += [
            preparer.prepare(
                f"held-out-shards-{i}", shard_speech(uri, material.held_out_split, rate), taught=False
            )
            for i, uri in enumerate(material.shards)
        ]
    noises = [preparer.manifest("noise", material.noise, _everything, taught=False)] if material.noise else []
    config = TrainConfig(
        sources=tuple((folder, 1.0) for folder in sources),
        held_out=tuple(held_out),
        noises=tuple(noises),
        out=out,
        network=shape,
        start=start,
        phases=TAUGHT if loaded else UNTAUGHT,
        teacher_stride_samples=loaded.info.stride_samples if loaded else shape.stride_samples,
        minutes=minutes,
        steps=steps,
        seed=seed,
        device=device,
    )
    return _train(config, echo)


def run_english(
    folder: Path,
    *,
    out: Path,
    hours: float,
    more_sentences: Path | None = None,
    teacher: str | None,
    start: str | None = None,
    minutes: float,
    steps: int,
    noise: str | None,
    device: str | None,
    seed: int,
    echo: Echo,
) -> list[ErrorRate]:
    """Make the bundled English model from a folder of speech sets (`english.ENGLISH_SETS`).

    Args:
        folder: has one folder a set, each with a manifest.jsonl.
        out: gets everything.
        hours: hours of synthesised speech; 0 for none.
        more_sentences: a text file with a sentence a line, said besides the sets' own texts.
        teacher: a model in any form that `--model` takes; None where the texts alone teach.
        start: a model whose weights to begin with; None for random ones.
        minutes: minutes of training; 0 where `steps` decides.
        steps: steps of training; 0 where `minutes` decides.
        noise: manifest of noise clips; by default the folder's own, if it has one.
        device: "cpu", "cuda" or None.
        seed: seed of everything.
        echo: prints a line.

    Raises:
        UsageError: there is none of the sets, or no synthesiser.
    """
    shape = _shape(start)
    device = device or default_device()
    loaded = load_model(teacher, device) if teacher else None
    preparer = _Preparer(out / "prepared", shape, loaded, echo)
    sets = sets_of(folder)
    sources, held_out = [], []
    for speech_set in sets:
        uri = str(folder / speech_set.name / "manifest.jsonl")
        taken = preparer.manifest(speech_set.name, uri, _not_held_out(speech_set))
        sources.append((taken, speech_set.weight))
        if speech_set.held_out:
            kept = preparer.manifest(f"held-out-{speech_set.name}", uri, speech_set.holds_out, taught=False)
            held_out += [kept] if parts(kept) else []
    if hours > 0:
        said = sentences(folder, sets, more_sentences)
        for seconds in synthesise(said, out / "synthetic", hours=hours, seed=seed):
            if int(seconds) % 600 < 5:
                echo(f"synthesised {seconds / 60:.1f} minutes")
        synthetic = str(out / "synthetic" / "manifest.jsonl")
        sources.append((preparer.manifest("synthetic", synthetic, _everything), SYNTHETIC_WEIGHT))
    own_noise = folder / NOISE_SET / "manifest.jsonl"
    noise = noise or (str(own_noise) if own_noise.is_file() else None)
    noises = (preparer.manifest("noise", noise, _everything, taught=False),) if noise else ()
    config = TrainConfig(
        sources=tuple(sources),
        held_out=tuple(held_out),
        noises=noises,
        out=out,
        network=shape,
        start=start,
        phases=TAUGHT if loaded else UNTAUGHT,
        teacher_stride_samples=loaded.info.stride_samples if loaded else shape.stride_samples,
        minutes=minutes,
        steps=steps,
        seed=seed,
        device=device,
    )
    return _train(config, echo)


def _shape(start: str | None) -> NetworkConfig:
    """Of the network to be trained: that of the model which it begins with, or the default."""
    return load_network(start).config if start else NetworkConfig()


def _not_held_out(speech_set: SpeechSet) -> Callable[[ManifestRow], bool]:
    return lambda row: not speech_set.holds_out(row)


def _train(config: TrainConfig, echo: Echo) -> list[ErrorRate]:
    def report(point: LearningPoint) -> None:
        rates = ", ".join(f"{name} {rate:.1%}" for name, rate in point.error_rates.items())
        echo(
            f"{point.progress:6.1%}  step {point.step}  {point.seconds / 60:.1f} min  "
            f"distillation {point.distil:.3f}  CTC {point.ctc:.3f}  characters wrong: {rates or 'nothing held out'}"
        )

    rates = train(config, report)
    for rate in rates:
        echo(
            f"{rate.name}: CER {rate.characters:.1%}, WER {rate.words:.1%} on {rate.seconds / 60:.1f} minutes"
        )
    return rates
