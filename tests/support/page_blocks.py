"""What pages show to be typed: command lines and programs, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from support.places import DOCS, ENVIRONMENT, ROOT

PAGES = {
    path.name: path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
    # Written from the code, and of no command lines.
    if path.name not in ("reference.md", "graph.md")
}
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}[^\n]*\S[^\n]*\n)+", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[\s(`\"])(?:prep-corpus|python|make|pip|docker|gcloud|java|git|cp|cat) ")


def section_of(page: str, heading: str | None = None) -> str:
    """The text of a page, or of one of its sections."""
    text = PAGES[page].read_text()
    if heading is None:
        return text
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no section {heading!r}"
    return found[2]


def shell_blocks(page: str, heading: str | None = None) -> list[str]:
    """The blocks of a page that a shell takes, in order: fenced as sh, or indented and with a command."""
    text = section_of(page, heading)
    found = [(match.start(), match[2]) for match in _FENCED.finditer(text) if match[1] == "sh"]
    bare = _FENCED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _INDENTED.finditer(bare):
        lines = match[0].splitlines()
        if any(_COMMAND.search(line) for line in lines):
            found.append((match.start(), "".join(line[4:] + "\n" for line in lines)))
    return [block for _, block in sorted(found)]


def command_lines(page: str) -> list[str]:
    """The command lines of a page's blocks, one each; what a backslash goes on with, joined, and without comments."""
    lines: list[str] = []
    for block in shell_blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            bare = " ".join(re.sub(r"(^|\s)#.*", "", line).split())
            if bare:
                lines.append(bare)
    return lines


def program(page: str, name: str) -> str:
    """A Python program of a page, by its name in its first line."""
    found = dict(re.findall(r"^```python\n# program: (\S+)\n(.*?)^```", section_of(page), re.M | re.S))
    return str(found[name])


def shell(script: str, folder: Path, *, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, where `prep-corpus` and `python` are those of the tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**ENVIRONMENT, "PATH": path, "NO_COLOR": "1", "COLUMNS": "200", **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == code, f"{script}\n{done.stdout}\n{done.stderr}"
    return done
