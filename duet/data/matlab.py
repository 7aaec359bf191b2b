"""Arrays of bytes out of a MATLAB 5 file, the form of SVHN: numbers alone, no objects, no code.

After "MAT-File Format, Version 5" (The MathWorks): a header of 128 bytes, then elements, each a tag
(type, length) and its bytes; a matrix is an element of elements (flags, sizes, name, values).
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from duet.data.base import DataError

HEADER_BYTES = 128
INT8, UINT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 2, 5, 6, 14, 15
MOST_BYTES = 2**31


def read_byte_arrays(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays of uint8 by their names, in MATLAB's (Fortran's) order; DataError where it
    is damaged or holds anything else."""
    try:
        content = memoryview(path.read_bytes())[HEADER_BYTES:]
        return dict(_matrix(kind, data) for kind, data in _elements(content))
    except (OSError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _elements(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(type, bytes) of each element; one of at most four bytes lies inside its own tag."""
    while content:
        kind, length = struct.unpack_from("<II", content)
        if short := kind >> 16:
            yield kind & 0xFFFF, content[4 : 4 + short]
            content = content[8:]
            continue
        if length > len(content) - 8:
            raise ValueError("an element is longer than its file")
        yield kind, content[8 : 8 + length]
        # Compressed elements follow each other directly, others on multiples of eight bytes.
        content = content[8 + length + (0 if kind == COMPRESSED else -length % 8) :]


def _matrix(kind: int, data: memoryview) -> tuple[str, np.ndarray]:
    if kind == COMPRESSED:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, MOST_BYTES)
        if not unpacker.eof:
            raise ValueError("a compressed element is cut off or too large")
        ((kind, data),) = _elements(memoryview(unpacked))
    if kind != MATRIX:
        raise ValueError(f"an element is of type {kind}, not a matrix")
    parts = list(_elements(data))
    if [part for part, _ in parts] != [UINT32, INT32, INT8, UINT8]:
        raise ValueError("a matrix is not one of bytes")
    _, sizes, name, values = (part for _, part in parts)
    shape = np.frombuffer(sizes, "<i4")
    array = np.frombuffer(values, np.uint8).reshape(shape, order="F")
    return bytes(name).decode("ascii"), array
