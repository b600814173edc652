"""What stopped a command, in one line: out of the engine's own errors around it."""

from __future__ import annotations

import builtins
import errno
import re
from dataclasses import dataclass

from prep_corpus.align import errors
from prep_corpus.align.errors import PrepCorpusError

# "package.module.Error: text [while running 'Step']", as the engine makes a string of what a step raised.
_LINE = re.compile(r"^([A-Za-z_][\w.]*)(?:: (.*?))?(?: \[while running '.*'\])?$")
_WHERE = re.compile(r" \[while running '[^']*'\]")
_ERRNO = re.compile(r"^\[Errno (\d+)\] ")

_WAYS_OUT = {
    errno.ENOSPC: "free some space, then give the same command again: it goes on where it stopped",
    errno.EDQUOT: "free some space, then give the same command again: it goes on where it stopped",
    errno.EFBIG: "raise the limit of file sizes, then give the same command again",
    errno.EROFS: "choose another --out",
    errno.EACCES: "allow it, or choose another place",
    errno.EPERM: "allow it, or choose another place",
    errno.ENOENT: "something has been moved or removed meanwhile: give the same command again, which makes it anew",
    errno.ENOTDIR: "a file is where a folder should be: move it, or choose another place",
    errno.EISDIR: "a folder is where a file should be: move it, or choose another place",
    errno.EIO: "the disk or network failed: give the same command again when it is well",
    errno.EMFILE: "raise the limit of open files (ulimit -n), then give the same command again",
}
_OTHERWISE = "give the same command again when it is mended: it goes on where it stopped"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What stopped a run.

    Attributes:
        kind: name of the exception's class.
        message: its text, one line.
    """

    kind: str
    message: str

    @property
    def is_interrupt(self) -> bool:
        """Whether a person stopped it."""
        return self.kind == KeyboardInterrupt.__name__

    @property
    def is_ours(self) -> bool:
        """Whether it is of our own tree, whose messages say what to do."""
        found = getattr(errors, self.kind, None)
        return isinstance(found, type) and issubclass(found, PrepCorpusError)

    @property
    def is_environment(self) -> bool:
        """Whether a disk, a network or the machine failed, and not this program."""
        found = getattr(builtins, self.kind, None)
        is_builtin = isinstance(found, type) and issubclass(found, (OSError, MemoryError))
        return is_builtin or self.kind in ("ObjectReplaced", "UnsupportedOperation")

    def line(self) -> str:
        """One line: the thing, and the way out."""
        if self.is_ours:
            return self.message
        if not self.is_environment:
            return f"this is a defect of the program: {self.kind}: {self.message} (--debug shows where)"
        number = _ERRNO.match(self.message)
        way_out = _WAYS_OUT.get(int(number[1]), _OTHERWISE) if number else _OTHERWISE
        text = _ERRNO.sub("", self.message) or self.kind
        return f"{text}; {way_out}"


def cause_of(error: BaseException) -> Cause:
    """The innermost exception that is told: engines raise a RuntimeError whose text holds it."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    found = Cause(kind=type(error).__name__, message=str(error))
    if isinstance(error, RuntimeError):
        for line in reversed(str(error).strip().splitlines()):
            match = _LINE.match(line.strip())
            if match is not None and _is_exception(match[1].rsplit(".", 1)[-1]):
                found = Cause(kind=match[1].rsplit(".", 1)[-1], message=match[2] or "")
                break
    return Cause(kind=found.kind, message=" ".join(_WHERE.sub("", found.message).split()))


def _is_exception(name: str) -> bool:
    known = getattr(builtins, name, None) or getattr(errors, name, None)
    return (isinstance(known, type) and issubclass(known, BaseException)) or name.endswith(
        ("Error", "Replaced")
    )
