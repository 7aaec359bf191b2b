"""What the C library would keep of memory that was freed. Every thread that draws is given a heap
of its own by glibc, up to eight a core, and none shrinks by itself; elsewhere nothing is done.
"""

import ctypes
import sys

M_ARENA_MAX = -8  # malloc.h
HEAPS = 2  # as many as draw at a time (demo/remote.py)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


def share_heaps() -> None:
    """Let all threads share HEAPS of them; wants to be called before there are threads."""
    if library := _glibc():
        library.mallopt(M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Let the system have what is free."""
    if library := _glibc():
        library.malloc_trim(0)
