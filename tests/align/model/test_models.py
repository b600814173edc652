"""What `--model` takes, and what it refuses with which words."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.checkpoints import VOCABULARY, tiny_wav2vec2

from prep_corpus.align.errors import ModelFailed, UsageError
from prep_corpus.align.model.models import ModelInfo, load_model


class Steps(torch.nn.Module):
    """A model that keeps the interface: it says how loud each frame is."""

    sample_rate_hz = 8000
    stride_samples = 80
    vocabulary = (" ", "a", "b", "<blank>")
    blank = 3

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(4), requires_grad=False)

    def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
        power_BT = waveforms_BN.unfold(1, 80, 80).square().mean(2)
        return (power_BT[:, :, None] * self.weight).log_softmax(-1)


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("steps_model")
    monkeypatch.setitem(sys.modules, "steps_model", module)
    return module


def test_a_factory_model_is_described_by_its_attributes(factory: Any) -> None:
    factory.make = lambda device: Steps().to(device)
    info = load_model("steps_model:make").info
    assert (info.sample_rate_hz, info.stride_samples, info.blank) == (8000, 80, 3)
    assert (info.word_delimiter, info.case, info.alphabet) == (" ", "lower", frozenset("ab"))
    assert info.frame_seconds == 0.01


def test_the_digest_follows_the_weights_and_the_vocabulary(factory: Any) -> None:
    factory.make = lambda device: Steps()
    plain = load_model("steps_model:make").info.digest
    assert load_model("steps_model:make").info.digest == plain

    def changed(device: str) -> Steps:
        model = Steps()
        model.weight[0] = 2
        return model

    factory.make = changed
    assert load_model("steps_model:make").info.digest != plain


def broken(**attributes: object) -> Any:
    model = Steps()
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"vocabulary": (" ", "a", "the", "<blank>")}, "1 of 4 symbols are longer"),
        ({"vocabulary": (" ", "a", "<blank>"), "blank": 2}, r"must give \[1, T, 3\] log-probs"),
        ({"blank": 4}, "blank is 4, the vocabulary has 4 symbols"),
        ({"stride_samples": 160}, "should give about 100 frames, not 200"),
    ],
)
def test_a_model_that_breaks_the_interface_is_refused(
    factory: Any, attributes: dict[str, object], message: str
) -> None:
    factory.make = lambda device: broken(**attributes)
    with pytest.raises(UsageError, match=message):
        load_model("steps_model:make")


def test_outputs_that_are_no_log_probabilities_are_refused(factory: Any) -> None:
    class Logits(Steps):
        def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
            return super().forward(waveforms_BN) + 1

    factory.make = lambda device: Logits()
    with pytest.raises(UsageError, match="sum to one in each frame"):
        load_model("steps_model:make")


def test_a_model_that_raises_where_it_is_tried_is_named(factory: Any) -> None:
    class Raises(Steps):
        def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no such operator")

    factory.make = lambda device: Raises()
    with pytest.raises(
        UsageError, match="--model steps_model:make failed on audio: RuntimeError: no such operator"
    ):
        load_model("steps_model:make")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_to_be_found:make", "cannot import 'nowhere_to_be_found'"),
        ("steps_model:missing", "has no 'missing'"),
        ("no such model", "neither a bundled model"),
    ],
)
def test_names_that_lead_nowhere_say_so(factory: Any, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_model(name)


def test_a_gpu_that_is_not_there_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UsageError, match="no usable GPU; use --device cpu"):
        load_model("english", "cuda")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold config\.json and model\.safetensors"):
        load_model(str(tmp_path))


def test_a_word_delimiter_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(UsageError, match="not in the vocabulary"):
        ModelInfo(
            sample_rate_hz=1,
            stride_samples=1,
            vocabulary=("a", "-"),
            blank=1,
            word_delimiter="|",
            case="lower",
            digest="",
        )


def test_a_hugging_face_checkpoint_is_described_and_its_frames_stand_where_the_sound_is(
    tmp_path: Path,
) -> None:
    pytest.importorskip("transformers")
    tiny_wav2vec2(tmp_path)
    model = load_model(str(tmp_path))
    info = model.info
    assert info.vocabulary == VOCABULARY
    assert (info.stride_samples, info.blank, info.word_delimiter, info.case) == (320, 0, "|", "upper")

    # A click moves the emissions of the frame whose samples hold it more than those of any other.
    def front(waveforms_BN: torch.Tensor) -> np.ndarray:
        extractor = model.run._model.wav2vec2.feature_extractor  # type: ignore[attr-defined]
        with torch.inference_mode():
            return extractor(waveforms_BN)[0].T.numpy()

    silence = torch.full((1, 32_000), 0.01)
    for click in (8_000, 12_345, 23_456):
        clicked = silence.clone()
        clicked[0, click] = 1.0
        moved_T = np.abs(front(clicked) - front(silence)).sum(1)
        assert abs(int(moved_T.argmax()) - click // info.stride_samples) <= 1
        middle = float((moved_T * np.arange(len(moved_T))).sum() / moved_T.sum())
        assert abs(middle + 0.5 - click / info.stride_samples) < 1.0


def test_a_model_that_gives_other_frames_for_longer_audio_is_named(factory: Any) -> None:
    class Short(Steps):
        def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
            return super().forward(waveforms_BN)[:, :400]

    factory.make = lambda device: Short()
    model = load_model("steps_model:make")
    assert model.log_probs(np.zeros((1, 32_000), np.float32)).shape == (1, 400, 4)
    message = (
        "--model steps_model:make: 40000 samples at a stride of 80 should give about 500 frames, not 400"
    )
    with pytest.raises(ModelFailed, match=message):
        model.log_probs(np.zeros((1, 40_000), np.float32))
