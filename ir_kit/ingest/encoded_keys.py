"""Keys as access logs encode them, decoded all at once. `access_log.decoded_key` says what is meant, key by key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ir_kit.ingest.arrays import Bytes, Flags, Numbers, known_in, parts_of

_PERCENT, _PLUS, _SPACE = b"%+ "
_NO_DIGIT = 255
_VALUE = np.full(256, _NO_DIGIT, dtype=np.uint8)
for _digit in b"0123456789abcdefABCDEF":
    _VALUE[_digit] = int(chr(_digit), 16)


def decoded_keys(raw: pa.StringArray, once: Flags) -> tuple[pa.StringArray, Flags]:
    """Which keys do these fields name, encoded once or twice?

    Returns
    -------
    tuple
        The keys; and which of them are not to be relied upon, for what they decode to is no UTF-8.
    """
    unsure = np.zeros(len(raw), dtype=bool)
    cuts, data = parts_of(raw)
    has_plus = (data == _PLUS).any()
    if not has_plus and not (data == _PERCENT).any():
        return raw, unsure
    cuts = cuts.astype(np.int64) - cuts[0]
    data, cuts = _unescaped(data, cuts, once, unsure)
    data = np.where(data == _PLUS, np.uint8(_SPACE), data)
    data, cuts = _unescaped(data, cuts, np.zeros(len(raw), dtype=bool), unsure)
    known = known_in(raw)
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(cuts.astype(np.int32)), pa.py_buffer(data), valid), unsure


def _unescaped(data: Bytes, cuts: Numbers, left: Flags, unsure: Flags) -> tuple[Bytes, Numbers]:
    """Texts with each ``%XX`` turned into a byte but in those that are ``left``; ``unsure`` gains those that become no UTF-8."""
    at = np.flatnonzero(data == _PERCENT)
    owner = np.searchsorted(cuts, at, side="right") - 1
    padded = np.append(data, np.zeros(2, dtype=np.uint8))
    high, low = _VALUE[padded[at + 1]], _VALUE[padded[at + 2]]
    escape = (high != _NO_DIGIT) & (low != _NO_DIGIT) & (at + 2 < cuts[owner + 1]) & ~left[owner]
    at, high, low = at[escape], high[escape], low[escape]
    if not len(at):
        return data, cuts
    padded[at] = high * np.uint8(16) + low
    kept = np.ones(len(padded), dtype=bool)
    kept[at + 1] = kept[at + 2] = kept[-2:] = False
    foreign = owner[escape][high >= 8]
    data, cuts = padded[kept], cuts - 2 * np.searchsorted(at, cuts)
    if len(foreign) and not _are_texts(data, cuts):
        unsure[foreign] = True
    return data, cuts


def _are_texts(data: Bytes, cuts: Numbers) -> bool:
    """Is each of these texts UTF-8? They are when together they are, and none begins within a character."""
    begins = data[cuts[:-1][np.diff(cuts) > 0]]
    try:
        return not ((begins & 0xC0) == 0x80).any() and data.tobytes().decode("utf-8") is not None
    except UnicodeDecodeError:
        return False
