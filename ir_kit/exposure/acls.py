"""What do ACLs grant, on the bucket and on objects, and does object ownership or Block Public Access stop it?

Source: S3 User Guide, "Access control list (ACL) overview", "Controlling ownership of objects and disabling ACLs".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ir_kit.configuration.answers import Answer
from ir_kit.exposure.blocks import IGNORE_ACLS
from ir_kit.exposure.status import NO, UNKNOWN, YES
from ir_kit.exposure.ways import ADMIN, LIST, READ, WRITE, Place, Way, as_list

GROUPS = {
    "http://acs.amazonaws.com/groups/global/AllUsers": "AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "AuthenticatedUsers",
    "http://acs.amazonaws.com/groups/s3/LogDelivery": "LogDelivery",
}
PUBLIC_GROUPS = ("AllUsers", "AuthenticatedUsers")
# what a permission lets its holder do; reading an ACL discloses who has access, and neither names nor objects
Meaning = dict[str, tuple[str | None, ...]]
ON_BUCKET: Meaning = {
    "READ": (LIST,),
    "WRITE": (WRITE,),
    "READ_ACP": (None,),
    "WRITE_ACP": (ADMIN,),
    "FULL_CONTROL": (LIST, WRITE, ADMIN),
}
ON_OBJECT: Meaning = {"READ": (READ,), "READ_ACP": (None,), "WRITE_ACP": (ADMIN,), "FULL_CONTROL": (READ, ADMIN)}
ENFORCED = "BucketOwnerEnforced"


def acl_ways(place: Place) -> list[Way]:
    """The grants of the bucket's ACL to others than its owner.

    Notes
    -----
    ``GetBucketAcl`` reports the grants that S3 enforces: under ``IgnorePublicAcls`` public ones are left out of its
    answer, so that none is listed does not say that none would come back to life.
    """
    answer = place.ask("GetBucketAcl")
    if answer.state != "answered" or not isinstance(answer.response.get("Grants"), list):
        return [_untold(place.silent("acl", answer.unreadable() if answer.state == "answered" else answer), place)]
    found = [_governed(way, place) for way in _granted(place, "acl", answer, ON_BUCKET, "the bucket's ACL")]
    if found:
        return found
    note = "the ACL grants nothing to others than the owner (GetBucketAcl)"
    stop = place.blocks.stop(IGNORE_ACLS)
    if stop.status == YES:
        note += "; IgnorePublicAcls is on, under which the answer leaves public grants out"
    return [place.way("acl", detail=note)]


def _untold(way: Way, place: Place) -> Way:
    """An ACL that nobody could read: nothing comes of it where ACLs are disabled, and nothing public where it is ignored."""
    ownership, words = ownership_of(place)
    if ownership == ENFORCED:
        return way.stopped("bucket_ownership_controls", words)
    stop = place.blocks.stop(IGNORE_ACLS)
    return replace(way.noted(stop.words), open_to_all=NO) if stop.status == YES else way


def object_acl_ways(place: Place, answers: list[tuple[dict[str, Any], Answer]]) -> list[Way]:
    """The grants of those objects' ACLs that were collected, or that they are not known."""
    found: list[Way] = []
    for asked, answer in answers:
        key = str(asked.get("Key"))
        if answer.state == "answered" and isinstance(answer.response.get("Grants"), list):
            found += [
                _governed(way, place)
                for way in _granted(place, "object_acl", answer, ON_OBJECT, f"the ACL of the object {key!r}")
            ]
        elif answer.state != "gone":
            said = answer.unreadable() if answer.state == "answered" else answer
            found.append(place.silent("object_acl", said).noted(f"of the object {key!r}"))
    others = _others(place, bool(answers))
    return [*found, others]


def _others(place: Place, some: bool) -> Way:
    """What is not known of the ACLs of all other objects: an ACL takes effect only where ownership leaves it alive."""
    ownership, words = ownership_of(place)
    which = "the ACLs of other objects were not asked" if some else "object ACLs were not asked (GetObjectAcl)"
    if ownership == ENFORCED:
        return place.way("object_acl", detail=f"ACLs are disabled ({words})", blocked_by="bucket_ownership_controls")
    stop = place.blocks.stop(IGNORE_ACLS)
    if stop.status == YES:
        return place.way("object_acl", detail=f"{which}; public ones are ignored", blocked_by=stop.blocked_by)
    # that an object could be public by an ACL of its own does not make the bucket public
    return place.way("object_acl", effective_status=UNKNOWN, detail=f"{which}; {words}")


def ownership_of(place: Place) -> tuple[str | None, str]:
    """How are a bucket's objects owned, and how is that known?"""
    if place.bucket.is_directory:
        return ENFORCED, "a directory bucket has no ACLs"
    return object_ownership(place.ask("GetBucketOwnershipControls"))


def object_ownership(answer: Answer) -> tuple[str | None, str]:
    """How are objects owned, and how is that known? None where it is not."""
    if answer.state == "absent":
        return "ObjectWriter", "ACLs are in force, no ownership controls are set"
    if answer.state != "answered":
        return None, f"whether ACLs are in force is not known: {answer.words}"
    controls = answer.part("OwnershipControls", dict) or {}
    rules = [one for one in as_list(controls.get("Rules")) if isinstance(one, dict)]
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in (ENFORCED, "BucketOwnerPreferred", "ObjectWriter"):
        return None, f"whether ACLs are in force is not known: {answer.unreadable().words}"
    found = str(rules[0]["ObjectOwnership"])
    return found, f"object ownership is {found}"


def _granted(place: Place, path: str, answer: Answer, meaning: Meaning, whose: str) -> Iterator[Way]:
    owner = (answer.part("Owner", dict) or {}).get("ID")
    owner = place.bucket.owner or (str(owner) if path == "acl" and owner else None)
    for grant in answer.response["Grants"]:
        permission = str(grant.get("Permission")) if isinstance(grant, dict) else "?"
        whom = _grantee(grant, owner, place)
        if whom is None:
            continue
        grantee, everybody, foreign = whom
        for access in meaning.get(permission, (None,)):
            way = place.way(
                path, grantee=grantee, access=access, effective_status=YES, open_to_all=everybody, foreign=foreign,
                statement=permission, detail=f"{permission} for {grantee} in {whose}",
            )  # fmt: skip
            yield way if permission in meaning else way.doubted("a permission that S3 does not define")


def _grantee(grant: Any, owner: str | None, place: Place) -> tuple[str | None, str, str] | None:
    """Whom a grant names, whether that is everybody, and whether it is another account; None: the owner itself."""
    given = grant.get("Grantee") if isinstance(grant, dict) else None
    if not isinstance(given, dict):
        return None, UNKNOWN, UNKNOWN
    uri, canonical = given.get("URI"), given.get("ID")
    if uri:
        group = GROUPS.get(str(uri))
        if group in PUBLIC_GROUPS:
            return group, YES, NO
        return (group, NO, NO) if group else (str(uri), UNKNOWN, UNKNOWN)
    if canonical:
        if canonical == owner:
            return None
        return str(canonical), NO, place.holdings.is_foreign_owner(str(canonical), place.bucket)
    if given.get("EmailAddress"):
        return str(given["EmailAddress"]), NO, UNKNOWN
    return None, UNKNOWN, UNKNOWN


def _governed(way: Way, place: Place) -> Way:
    ownership, words = ownership_of(place)
    if ownership == ENFORCED:
        return way.stopped("bucket_ownership_controls", words)
    if way.open_to_all != NO:
        stop = place.blocks.stop(IGNORE_ACLS)
        if stop.status == YES and way.open_to_all == YES:
            return way.stopped(stop.blocked_by, stop.words)
        if stop.status != NO:
            way = way.doubted(stop.words or "a group that may be public while public ACLs are ignored")
            way = way.noted("that GetBucketAcl lists the grant speaks for its taking effect")
    return way if ownership else way.doubted(words)
