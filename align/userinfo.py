"""User names and passwords in URIs (RFC 3986, section 3.2.1: userinfo), which no record and no output holds."""

from __future__ import annotations

import re

# Up to the last "@" before the path; or, as keys of stores may hold "/", from "name:" on up to the next "@", where what
# follows the colon is no port.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/\s\"<>]*@|[^/\s\"<>@:]+:(?!\d{0,5}/)[^\s\"<>@]*@)")


def without_userinfo(text: str) -> str:
    """A text in which no URI has a user name or password."""
    return _USERINFO.sub(r"\1", text) if "@" in text else text
