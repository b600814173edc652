"""What `prep_corpus.align` offers, and what asking for it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import prep_corpus.align as face


def test_every_public_name_is_there_and_has_help() -> None:
    assert sorted(face.__all__) == face.__all__
    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        value = getattr(face, name)
        assert name == "__version__" or value.__doc__, name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="align_all"):
        face.align_all  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    assert face.__version__ == version("prep-corpus")


def test_version_and_errors_need_nothing_but_python() -> None:
    blocked = ["apache_beam", "torch", "numpy", "numba", "pyarrow", "soundfile", "click", "sklearn"]
    code = (
        f"import sys\nfor name in {blocked!r}:\n    sys.modules[name] = None\n"
        "import prep_corpus.align as face\nprint(face.__version__, face.UsageError.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == [face.__version__, "UsageError"], done.stderr


def test_aligning_needs_neither_beam_nor_click_nor_scikit_learn() -> None:
    code = (
        "import sys\nfor name in ('apache_beam', 'click', 'sklearn', 'pyarrow'):\n    sys.modules[name] = None\n"
        "from prep_corpus.align import Aligner\nprint(Aligner('english', device='cpu').info.frame_seconds)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0.04", done.stderr
