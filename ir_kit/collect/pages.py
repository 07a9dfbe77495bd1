"""A page of a listing as S3 sends it, in XML: objects, versions and delete markers, folders, and how it goes on."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from ir_kit.collect.log_objects import DELETE_MARKER

__all__ = ["Page", "page_of"]


class Page(NamedTuple):
    """Objects by their elements, the folders below the prefix, and what to ask for the page that follows, if one does."""

    objects: list[dict[str, str]]
    folders: list[str]
    following: dict[str, str]


def page_of(body: bytes) -> Page:
    """What does this page of a listing hold? Of `ListObjectsV2` or `ListObjectVersions`; its keys are decoded where it says that they are encoded."""
    root = ElementTree.fromstring(body)
    if not root.tag.endswith(("ListBucketResult", "ListVersionsResult")):
        raise ValueError(f"not a listing: {root.tag}")
    objects, folders, top = [], [], {}
    for element in root:
        tag = element.tag.rpartition("}")[2]
        if tag in ("Contents", "Version", "DeleteMarker"):
            item = {part.tag.rpartition("}")[2]: part.text or "" for part in element}
            if tag == "DeleteMarker":
                item["StorageClass"] = DELETE_MARKER
            if not {"Key", "LastModified"} <= set(item):
                raise ValueError("an object without a name")
            objects.append(item)
        elif tag == "CommonPrefixes":
            folders += [part.text or "" for part in element]
        else:
            top[tag] = element.text or ""
    if top.get("EncodingType") == "url":
        for item in objects:
            item["Key"] = unquote_plus(item["Key"], errors="surrogateescape")
        folders = [unquote_plus(name) for name in folders]
        top["NextKeyMarker"] = unquote_plus(top.get("NextKeyMarker", ""))
    if top["IsTruncated"] != "true":
        return Page(objects, folders, {})
    if "NextContinuationToken" in top:
        return Page(objects, folders, {"continuation-token": top["NextContinuationToken"]})
    following = {"key-marker": top["NextKeyMarker"]}
    if top.get("NextVersionIdMarker"):
        following["version-id-marker"] = top["NextVersionIdMarker"]
    return Page(objects, folders, following)
