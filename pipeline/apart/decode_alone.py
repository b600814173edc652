"""`python -m prep_corpus.pipeline.apart.decode_alone URI [TRACK]`: decode a file to its end, within a bound of memory.

Texts that stand on its input, as JSON [language, [text, ...]], are normalised too. What a decoder raises is
well: it came back. Exit code 77 says that the memory was not enough.
"""

from __future__ import annotations

import json
import resource
import sys

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import RecordingError
from prep_corpus.align.text.normalize import normalize
from prep_corpus.pipeline.apart.attempts import MOST_MEMORY_BYTES
from prep_corpus.pipeline.apart.parsing import MEMORY_EXIT
from prep_corpus.pipeline.storage import files

ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz'")


def main(uri: str, track: str | None = None) -> int:
    """Decode; returns the exit code."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, hard))
    try:
        with files.open_binary(uri) as file:
            audio.probe(file, name=uri, track=track)
            for _ in audio.decode(file, name=uri, sample_rate_hz=16_000, track=track):
                pass
        language, texts = json.loads(sys.stdin.buffer.read() or b'["en", []]')
        for text in texts:
            normalize(text, alphabet=ALPHABET, language=language)
    except MemoryError:
        return MEMORY_EXIT
    except (RecordingError, OSError):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
