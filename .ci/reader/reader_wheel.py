"""Builds the wheel of prep-corpus-reader from this tree: `prep_corpus.pipeline.reading` and all that it imports.

    pip install ./.ci/reader        pip wheel --no-deps ./.ci/reader

Both distributions may be installed side by side, and none takes a file away from the other: these files lie in a folder
of their own, which a .pth file puts at the end of the path. Where prep-corpus is installed too, its packages are found
first.

    site-packages/
        prep_corpus/                        of prep-corpus, where that is installed
        _prep_corpus_reader/prep_corpus/    of this wheel
        prep_corpus_reader.pth              says "_prep_corpus_reader"

A PEP 517 backend on the standard library alone.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import re
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FACE = "prep_corpus.pipeline.reading"
FOLDER = "_prep_corpus_reader"
NAME = "prep-corpus-reader"
REQUIRED = ("numpy", "pyarrow", "soundfile")
EXTRAS = {"torch": ("torch",), "tfrecord": ("google-crc32c", "protobuf")}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def sources() -> dict[str, Path]:
    """The files of the face and of all that they import, by their names below site-packages."""
    todo = [FACE, *(f"{FACE}.{path.stem}" for path in _place(FACE).glob("*.py") if path.stem != "__init__")]
    seen: set[str] = set()
    found: dict[str, Path] = {}
    while todo:
        module = todo.pop()
        if module in seen or module == "prep_corpus":
            continue
        seen.add(module)
        todo.append(module.rpartition(".")[0])
        path = _source(module)
        found[f"prep_corpus/{path.relative_to(ROOT).as_posix()}"] = path
        todo += _imported(ast.parse(path.read_text()).body)
    for folder in {path.relative_to(ROOT).parts[0] for path in found.values()}:
        found[f"prep_corpus/{folder}/py.typed"] = ROOT / folder / "py.typed"
    return dict(sorted(found.items()))


def _place(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")[1:])


def _source(module: str) -> Path:
    place = _place(module)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _imported(body: Iterable[ast.stmt]) -> list[str]:
    """Our modules that statements import at any depth, but for those under `if TYPE_CHECKING`."""
    found: list[str] = []
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        for node in ast.walk(statement):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
                names += [one for a in node.names if _source(one := f"{node.module}.{a.name}").exists()]
            found += [name for name in names if name.startswith("prep_corpus.")]
    return found


def project() -> dict[str, Any]:
    """The [project] table of the whole."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def version() -> str:
    """The version, the same as that of the whole."""
    text = (ROOT / "align" / "__init__.py").read_text()
    (found,) = re.findall(r'^__version__ = "([^"]+)"$', text, re.M)
    return str(found)


def metadata() -> str:
    """METADATA, with the ranges that the whole asks for."""
    whole = project()
    asked_for = [*whole["dependencies"], *whole["optional-dependencies"]["torch"]]
    ranges = {re.split(r"[^A-Za-z0-9_.-]", one)[0]: one for one in asked_for}
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {NAME}",
        f"Version: {version()}",
        "Summary: Reads the shards of finished prep-corpus runs, without Beam and without torch",
        f"License-Expression: {whole['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {whole['requires-python']}",
        *(f"Requires-Dist: {ranges[name]}" for name in REQUIRED),
    ]
    for extra, names in EXTRAS.items():
        lines += [f"Provides-Extra: {extra}"]
        lines += [f'Requires-Dist: {ranges[name]}; extra == "{extra}"' for name in names]
    lines += ["Description-Content-Type: text/markdown", "", (ROOT / "docs" / "reading.md").read_text()]
    return "\n".join(lines)


def _row(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def get_requires_for_build_wheel(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """PEP 517: nothing but Python."""
    return []


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """PEP 517: write the wheel; the same tree gives the same bytes. Returns its file name."""
    stem = f"{NAME.replace('-', '_')}-{version()}"
    info = f"{stem}.dist-info"
    content = {f"{FOLDER}/{name}": path.read_bytes() for name, path in sources().items()}
    content["prep_corpus_reader.pth"] = f"{FOLDER}\n".encode()
    content[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    content[f"{info}/METADATA"] = metadata().encode()
    wheel = "Wheel-Version: 1.0\nGenerator: reader_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content[f"{info}/WHEEL"] = wheel.encode()
    rows = [_row(name, data) for name, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    file_name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, file_name), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return file_name


class UnsupportedOperation(Exception):
    """The name that PEP 517 gives to what a backend does not offer."""


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """PEP 517: there is none; the sources are those of prep-corpus."""
    raise UnsupportedOperation("prep-corpus-reader is built from the tree of prep-corpus, as a wheel")
