"""On the path of a process, ends it as a crash in native code would, when it opens a file whose name says so."""

import os
import sys


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith("crashing.flac"):
        os.abort()


sys.addaudithook(_hook)
