"""From recordings to prepared training speech: log-mels, texts, and what a teacher hears.

What is prepared is kept in parts and not done again; an interrupted call is resumed.

Legend: N samples, M mel frames, F mel bands, S teacher frames, C symbols.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import RecordingError, UsageError
from prep_corpus.align.model.models import LoadedModel, ModelInfo
from prep_corpus.align.model.network import LogMels, NetworkConfig
from prep_corpus.align.text.normalize import alphabet_of, normalize
from prep_corpus.jobs.training.manifest_rows import ManifestRow, manifest_rows
from prep_corpus.jobs.training.material import Prepared, parts, write_part
from prep_corpus.pipeline.reading.reader import ReadOptions, decode_audio, read_utterances
from prep_corpus.pipeline.storage import files

FloatArray = NDArray[np.float32]
_PART_EXAMPLES = 128
_MIN_FRAMES = 8
_NEVER_NATS = -30.0


@dataclass(frozen=True, kw_only=True)
class Speech:
    """One example before it is prepared.

    Attributes:
        name: name for messages.
        text: as people write, or None.
        samples: decodes it: float32 [N] at the model's rate.
    """

    name: str
    text: str | None
    samples: Callable[[], FloatArray]


def manifest_speech(
    uri: str, sample_rate_hz: int, wanted: Callable[[ManifestRow], bool] = lambda row: True
) -> Iterator[Speech]:
    """The recordings of a manifest that `wanted` picks, one example each: short ones, with or without text."""
    for row in manifest_rows(uri):
        if wanted(row):
            yield Speech(
                name=row.audio_uri,
                text=row.text,
                samples=lambda path=row.audio_uri: _decode(path, sample_rate_hz),  # type: ignore[misc]
            )


def _decode(uri: str, sample_rate_hz: int) -> FloatArray:
    with files.open_binary(uri) as file:
        return np.concatenate(list(audio.decode(file, name=uri, sample_rate_hz=sample_rate_hz)))


def shard_speech(uri: str, split: str, sample_rate_hz: int) -> Iterator[Speech]:
    """The utterances of a finished run of `prep-corpus run`, with their normalised texts."""
    import soxr

    for utterance in read_utterances(uri, ReadOptions(split=split)):

        def samples(utterance=utterance) -> FloatArray:  # type: ignore[no-untyped-def]
            samples_N, rate_hz = decode_audio(utterance)
            if rate_hz == sample_rate_hz:
                return samples_N
            resampled_N: FloatArray = soxr.resample(samples_N, rate_hz, sample_rate_hz)
            return resampled_N

        yield Speech(name=utterance.id, text=utterance.text_normalized, samples=samples)


def symbol_columns(info: ModelInfo, network: NetworkConfig) -> list[int]:
    """The teacher's column of each of the model's symbols, -1 where it has none.

    Raises:
        UsageError: the teacher's rate differs, or it lacks most of the symbols.
    """
    if info.sample_rate_hz != network.sample_rate_hz:
        raise UsageError(
            f"the teacher must take {network.sample_rate_hz} Hz like the model, and takes {info.sample_rate_hz}"
        )
    found: dict[str, int] = {}
    for index, symbol in enumerate(info.vocabulary):
        found.setdefault(symbol.lower(), index)
    if info.word_delimiter is not None:
        found[" "] = info.vocabulary.index(info.word_delimiter)
    columns = [
        info.blank if i == network.blank else found.get(s, -1) for i, s in enumerate(network.vocabulary)
    ]
    if columns.count(-1) > len(columns) // 2:
        raise UsageError(
            f"the teacher must know the model's symbols, and lacks {columns.count(-1)} of {len(columns)}"
        )
    return columns


def _teach(teacher: LoadedModel, columns: list[int], samples_N: FloatArray) -> NDArray[np.float16]:
    """The teacher's log-probs of one example, in the order of the model's symbols."""
    log_probs_SC = torch.from_numpy(teacher.log_probs(samples_N[None])[0])
    absent = torch.full((len(log_probs_SC), 1), _NEVER_NATS)
    ordered_SC = torch.cat((log_probs_SC, absent), dim=1)[:, columns].log_softmax(-1)
    result: NDArray[np.float16] = ordered_SC.clamp_min(_NEVER_NATS).half().numpy()
    return result


def prepare_one(
    speech: Speech, network: NetworkConfig, mels: LogMels, teacher: LoadedModel | None
) -> Prepared | None:
    """Prepare one example; None where it is too short or cannot be decoded."""
    try:
        samples_N = speech.samples()
    except RecordingError:
        return None
    kept_N = samples_N[: len(samples_N) // network.stride_samples * network.stride_samples]
    if len(kept_N) < _MIN_FRAMES * network.stride_samples:
        return None
    with torch.inference_mode():
        energies_MF = mels.energies(torch.from_numpy(kept_N)[None])[0].half().numpy()
    return Prepared(
        name=speech.name,
        text=_plain(speech.text, network),
        energies_MF=energies_MF,
        teacher_SC=None
        if teacher is None
        else _teach(teacher, symbol_columns(teacher.info, network), kept_N),
    )


def _plain(text: str | None, network: NetworkConfig) -> str | None:
    """A text in the model's characters; None where the model cannot say all of it."""
    if not text:
        return None
    alphabet = alphabet_of(network.vocabulary, blank=network.blank, word_delimiter=" ")
    normalized = normalize(text, alphabet=alphabet)
    return None if normalized.unsayable or not normalized.text else normalized.text


def prepare(
    speech: Iterable[Speech], folder: Path, *, network: NetworkConfig, teacher: LoadedModel | None
) -> Iterator[float]:
    """Prepare examples into the parts of a folder.

    Args:
        speech: always the same, in the same order: what earlier calls prepared is skipped.
        folder: folder of the parts.
        network: the model to be trained.
        teacher: None where the texts alone teach.

    Yields:
        Seconds of audio prepared by this call, after each part.

    Raises:
        UsageError: the folder was prepared with another teacher or front-end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"teacher": "" if teacher is None else teacher.info.digest, "mels": _front_end(network)}
    done = 0
    known = parts(folder)
    for path in known:
        header = json.loads(path.read_text(encoding="utf-8"))
        if header["about"] != about:
            raise UsageError(
                f"{folder} was prepared with {header['about']}, which is not {about}; use another folder"
            )
        done += header.get("taken", len(header["examples"]))
    mels = LogMels(network)
    seconds, held, taken = 0.0, [], 0
    index = len(known)
    for number, one in enumerate(speech):
        if number < done:
            continue
        taken += 1
        prepared = prepare_one(one, network, mels, teacher)
        if prepared is not None:
            held.append(prepared)
            seconds += len(prepared.energies_MF) * network.hop_samples / network.sample_rate_hz
        if len(held) == _PART_EXAMPLES:
            write_part(folder, index, held, about, taken=taken)
            held, taken, index = [], 0, index + 1
            yield seconds
    if held:
        write_part(folder, index, held, about, taken=taken)
        yield seconds


def _front_end(network: NetworkConfig) -> str:
    return (
        f"{network.sample_rate_hz} Hz, {network.window_samples}/{network.hop_samples}/{network.fft_samples}, "
        f"{network.mel_bands} bands"
    )
