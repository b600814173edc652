"""On the path of a process, kills it and all that it has started when the first file of KILLED_IN is published."""

import os
import signal
import sys


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    # What has been linked to its name loses its temporary one; what takes another's place is renamed.
    path = str(arguments[0]) if event in ("os.remove", "os.rename") else ""
    if path.startswith(os.environ["KILLED_IN"]) and os.path.exists(path):
        os.killpg(0, signal.SIGKILL)


sys.addaudithook(_hook)
