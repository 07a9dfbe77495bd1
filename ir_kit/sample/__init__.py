"""The demo's evidence: simulated logs of one incident, shipped as files.

`evidence.tar.xz` holds them as a responder would have fetched them, `incident.yaml` the fields of their incident.
Both are written by `make sample` from tests/simulator, and by nothing else.
"""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path
from typing import Any

import yaml

from ir_kit.errors import EvidenceError

__all__ = ["EVIDENCE", "FIELDS", "lay_out"]

HERE = Path(__file__).parent
EVIDENCE, FIELDS = "evidence.tar.xz", "incident.yaml"


def lay_out(folder: Path) -> dict[str, Any]:
    """Unpack the sample's evidence to ``folder/evidence``.

    Parameters
    ----------
    folder : Path
        The incident's folder; made where it is missing.

    Returns
    -------
    dict
        The fields of the incident file, without its name.

    Raises
    ------
    EvidenceError
        The sample is missing or damaged, or its folder cannot be written.
    """
    try:
        fields: dict[str, Any] = yaml.safe_load((HERE / FIELDS).read_text(encoding="utf-8"))
        packed = (HERE / EVIDENCE).open("rb")
    except OSError as error:
        raise EvidenceError("the sample is missing", error.filename, "make it with: make sample") from None
    with packed:
        try:
            with tarfile.open(fileobj=packed, mode="r:xz") as archive:
                archive.extraction_filter = lambda member, path: member  # files of the kit's own making
                archive.extractall(folder)
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise EvidenceError(f"the sample is damaged ({error})", packed.name, "make it with: make sample") from None
        except OSError as error:
            raise EvidenceError(
                f"the sample cannot be written ({error.strerror})", folder, "choose another folder with --runs"
            ) from None
    return fields
