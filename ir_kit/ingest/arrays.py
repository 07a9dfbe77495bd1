"""Arrow arrays from numpy's and back, without a copy where that can be.

`pyarrow.array` and `to_numpy` would load pandas, in every process that reads logs, for a third of a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def array_of(kind: pa.DataType, values: Any) -> pa.Array:
    """These values, none of them null and as wide as the type is."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def flags_array(values: Flags) -> pa.BooleanArray:
    """These flags, row after row."""
    return pa.Array.from_buffers(pa.bool_(), values.size, [None, pa.py_buffer(np.packbits(values, bitorder="little"))])


def flags_of(values: pa.BooleanArray) -> Flags:
    """These flags, of which none is null."""
    bits = np.unpackbits(np.frombuffer(values.buffers()[1], dtype=np.uint8), bitorder="little")
    return bits[values.offset : values.offset + len(values)].view(np.bool_)


def parts_of(texts: pa.StringArray) -> tuple[Any, Bytes]:
    """Where each of these texts begins, and the last one ends; and the bytes from the first beginning to that end."""
    _, cuts_buffer, data_buffer = texts.buffers()
    cuts = np.frombuffer(cuts_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    return cuts, data[cuts[0] : cuts[-1]]
