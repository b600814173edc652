"""On the path of a process, lets it stand still where it first writes below, or opens, a place, until it may go on.

HELD_AT has the place, a part of a path, behind `write:` or `read:`; the file that HELD_WHILE names is made when the
process stands, and whoever removes it lets it go on.
"""

import os
import sys
import time

_KIND, _, _PLACE = os.environ["HELD_AT"].partition(":")
_WHILE = os.environ["HELD_WHILE"]
_held: list[str] = []


def _is_it(event: str, arguments: tuple[object, ...]) -> bool:
    if _KIND == "read":
        return event == "open" and _PLACE in str(arguments[0])
    # What has been linked to its name loses its temporary one; what takes another's place is renamed.
    return event in ("os.link", "os.remove", "os.rename") and _PLACE in str(arguments[0])


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _held or not _is_it(event, arguments):
        return
    _held.append(event)
    try:
        os.close(os.open(_WHILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        # Another process of the run stands there.
        return
    while os.path.exists(_WHILE):
        time.sleep(0.02)


sys.addaudithook(_hook)
