"""Secrets in texts, which no record and no output holds.

User names and passwords of URIs (RFC 3986, section 3.2.1: userinfo), values of a URI's query that let their holder in
(tokens, signatures of signed URLs, codes), and of options such as --s3_secret_access_key, connection strings, and
secrets inside an option's value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "..."
"""What stands in the place of a value."""

# Up to the last "@" before the path; or, as keys of stores may hold "/", from "name:" on up to the next "@", where what
# follows the colon is no port.
_USERINFO = r"(?:[^/\s\"<>]*@|[^/\s\"<>@:]+:(?!\d{0,5}/)[^\s\"<>@]*@)"
_AFTER_SLASHES = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://|(?<![^\s\"'<>(=,])//)" + _USERINFO)
# Spellings with a slash or two too few, which are taken as paths; there must be a colon between name and password.
_SCHEMES = r"(?:https?|s3|gs|ftps?|sftp|file|hdfs|webhdfs|abfss?|wasbs?|azure?)"
_WITHOUT_SLASHES = re.compile(
    rf"(?<![A-Za-z0-9])({_SCHEMES}:/?)(?!/)[^/\s\"<>@:]+:[^\s\"<>@]*@", re.IGNORECASE
)

_NAME = (
    r"(?:[\w.%-]*(?:token|secret|signature|passw|passphrase|credential|assertion|bearer|connection[_-]?string|"
    r"(?:access|api|account|private)[_-]?key)[\w.%-]*"
    r"|(?:[\w.%-]*[_.-])?(?:key|sig|hmac|sas|jwt|auth|oauth|authorization|pass|pwd|pw|session_?id|sid|otp))"
)
_IN_QUERY_ALONE = r"(?:auth(?:orization)?_?)?code|ticket"
# A quote belongs to the value only where the value goes on after it.
_VALUE = r"(?:[^&;#\s\"<>']|'(?=[^\s\"<>\w]{0,3}\w))+"
_IN_QUERY = re.compile(rf"([?&;#](?:{_NAME}|{_IN_QUERY_ALONE})=){_VALUE}", re.IGNORECASE)
_IN_VALUE = re.compile(rf"((?:^|(?<=[=,;:\[{{(\s'\"])){_NAME}=)[^&;,\s\"'<>]+", re.IGNORECASE)
_IN_OBJECT = re.compile(rf"([\"']{_NAME}[\"']\s*:\s*([\"'])).*?(?=\2|$)", re.IGNORECASE)
_OF_OPTION = re.compile(rf"(?<![^\s\"'(\[,])(--{_NAME}(?:=|\s+))(?!-)[^\s\"'\])]+", re.IGNORECASE)
_OPTION = re.compile(rf"--{_NAME}", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """A text in which no URI has a user name, a password or a token, and no option a value that is one."""
    text = uri_without_secrets(text)
    if "--" not in text:
        return text
    return _IN_VALUE.sub(rf"\1{HIDDEN}", _OF_OPTION.sub(rf"\1{HIDDEN}", text))


def uri_without_secrets(uri: str) -> str:
    """A path or URI without user name and password, and without the values of tokens."""
    if "@" in uri:
        uri = _WITHOUT_SLASHES.sub(r"\1", _AFTER_SLASHES.sub(r"\1", uri))
    return _IN_QUERY.sub(rf"\1{HIDDEN}", uri) if "=" in uri else uri


def words_without_secrets(words: Sequence[str]) -> str:
    """The words of a command, without the values of options that are secrets, however many words or lines they have."""
    told: list[str] = []
    hidden = False
    for word in words:
        name, equals, _ = word.partition("=")
        if hidden and not word.startswith("-"):
            told.append(HIDDEN)
            hidden = False
            continue
        is_secret = _OPTION.fullmatch(name) is not None
        inside = _IN_OBJECT.sub(rf"\1{HIDDEN}", _IN_VALUE.sub(rf"\1{HIDDEN}", word))
        told.append(f"{name}={HIDDEN}" if is_secret and equals else inside)
        hidden = is_secret and not equals
    return without_secrets(" ".join(told))
