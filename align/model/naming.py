"""The ways to name a model, and what each name opens.

english                     a bundled model
DIR                         a folder with the project's own config.json + model.safetensors
DIR or ORG/NAME             a Hugging Face CTC checkpoint (extra [hf])
DIR@LANG or ORG/NAME@LANG   one whose languages have adapters of their own (MMS), with that of one language
DIR or FILE.onnx            an exported model with its token list (extra [onnx])
module:factory              a callable that takes a device and returns the model object
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from prep_corpus.align.errors import UsageError

BUNDLED_MODELS = ("english",)

ModelKind = Literal["bundled", "folder", "onnx", "hugging-face", "code"]


def kind_of(name: str, option: str = "--model") -> ModelKind:
    """Which of the ways to name a model a name is; no weights are opened.

    Args:
        name: of a model.
        option: that gave it, for messages.

    Raises:
        UsageError: it is none of them.
    """
    if name in BUNDLED_MODELS:
        return "bundled"
    folder = Path(name)
    if is_onnx(folder):
        from prep_corpus.align.model.token_lists import token_list_of

        if folder.is_file() or len(list(folder.glob("*.onnx"))) == 1:
            token_list_of(folder.parent if folder.is_file() else folder)
        return "onnx"
    if (folder / "config.json").is_file():
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{option} {name}: its config.json cannot be read: {error}") from error
        if any(folder.glob("*.safetensors")):
            return "hugging-face" if "architectures" in config or "model_type" in config else "folder"
    if folder.exists():
        raise UsageError(
            f"{option} {name}: a model folder must hold config.json and model.safetensors, or model.onnx and its "
            "token list"
        )
    if re.fullmatch(r"[\w.]+:\w+", name):
        return "code"
    if name.endswith(".onnx"):
        raise UsageError(f"{option} {name}: there is no such file")
    place, at, _ = name.rpartition("@")
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w-]+)?", name) or (at and Path(place, "config.json").is_file()):
        return "hugging-face"
    raise UsageError(
        f"{option} {name}: neither a bundled model ({', '.join(BUNDLED_MODELS)}), nor a folder, nor module:factory, "
        "nor a Hugging Face name (organisation/model)"
    )


def check_name(name: str, option: str = "--model") -> ModelKind:
    """Which of the ways to name a model a name is, and that what it needs is installed; nothing is imported.

    Args: as for `kind_of`.

    Raises:
        UsageError: it is none of them, or a library or the module is not there.
    """
    kind = kind_of(name, option)
    if kind == "code":
        module = name.partition(":")[0]
        package = module.partition(".")[0]
        # What is loaded already may be without the note that `find_spec` reads.
        if package not in sys.modules and find_spec(package) is None:
            raise UsageError(f"{option} {name}: cannot import {module!r}; is its folder on PYTHONPATH?")
    needed, advice = _NEEDED.get(kind, ((), ""))
    if any(find_spec(library) is None for library in needed):
        raise UsageError(f"{option} {name}: {advice}")
    return kind


_NEEDED = {
    "onnx": (("torch", "onnxruntime"), "exported models need the extra: pip install 'prep-corpus[onnx]'"),
    "hugging-face": (
        ("torch", "transformers"),
        "Hugging Face models need the extra: pip install 'prep-corpus[hf]'",
    ),
    "code": (("torch",), "models that are code need torch: pip install 'prep-corpus[torch]'"),
}
"""Libraries that a kind of model needs, and what to do where one is missing."""


def open_model(name: str, device: str) -> Any:
    """The object behind a name, as `AcousticModel` describes it.

    Raises:
        UsageError: the name is of no known form, or an optional library is missing.
    """
    kind = check_name(name)
    if kind == "onnx":
        return _exported(name, device)
    if kind == "hugging-face":
        return _hugging_face(name, device)
    if kind == "code":
        return _factory(name, device)
    if device == "cpu":
        from prep_corpus.align.network.runtime import load_files

        return load_files(*_two_files(name, kind))
    try:
        from prep_corpus.align.model import network
    except ModuleNotFoundError as error:
        raise UsageError(f"--device {device} needs torch: pip install 'prep-corpus[torch]'") from error
    return network.load_files(*_two_files(name, kind), device)


def _two_files(name: str, kind: ModelKind) -> tuple[Path, Path]:
    """Config and weights of a model in the project's own form."""
    if kind == "bundled":
        folder = Path(str(files("prep_corpus.align.model")))
        return folder / f"{name}.json", folder / f"{name}.safetensors"
    return Path(name) / "config.json", Path(name) / "model.safetensors"


def adapters_of(name: str) -> tuple[str, ...]:
    """The languages of a folder whose vocabulary and adapters are by language, as MMS has them; else none."""
    path = Path(name, "vocab.json")
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        return ()
    nested = isinstance(vocabulary, dict) and all(isinstance(one, dict) for one in vocabulary.values())
    return tuple(sorted(vocabulary)) if nested else ()


def _factory(name: str, device: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--model {name}: cannot import {error.name!r}; is its folder on PYTHONPATH?"
        ) from error
    except AttributeError as error:
        raise UsageError(f"--model {name}: module {module!r} has no {attribute!r}") from error
    return factory(device)


def _exported(name: str, device: str) -> Any:
    from prep_corpus.align.model.onnx_folder import OnnxModel

    return OnnxModel(name, device)


def _hugging_face(name: str, device: str) -> Any:
    from prep_corpus.align.model.hugging_face import HuggingFaceModel

    return HuggingFaceModel(name, device, languages=adapters_of(name.rpartition("@")[0] or name))


def is_onnx(path: Path) -> bool:
    """Whether a path is an ONNX file, or a folder that holds one and no safetensors."""
    if path.is_file():
        return path.suffix == ".onnx"
    return path.is_dir() and any(path.glob("*.onnx")) and not any(path.glob("*.safetensors"))
