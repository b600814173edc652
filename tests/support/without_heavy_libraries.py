"""Imported, it keeps what takes a second and more to import from being imported; that torch is there can be told."""

import sys

for name in ("torch._C", "apache_beam", "sklearn", "numba", "transformers", "scipy"):
    sys.modules[name] = None  # type: ignore[assignment]
