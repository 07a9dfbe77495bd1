"""The chain of digests, trail by trail and Region by Region: where it runs, starts and breaks.

A digest that names no predecessor starts a chain: CloudTrail writes one when validation or logging is switched on.
One that names a predecessor which is not there, or is altered, is a break that CloudTrail never makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from ir_kit.ingest.digests import Digest, Stream, UnreadDigest

HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=5)  # between the moment of a stop and the end of the digest that covers it

State = Literal["valid", "altered", "unproven", "missing", "not_held", "restart"]


class Stop(NamedTuple):
    """A moment at which a trail, or its validation, was switched off."""

    trail_name: str
    home_region: str | None
    time: datetime
    event_name: str


class Link(NamedTuple):
    """One stretch of a chain: a digest, or a stretch without one.

    ``missing``: an hour whose digest has gone. ``not_held``: the chain comes from before the evidence. ``restart``:
    no digest was due, because logging or validation was off.
    """

    stream: Stream
    state: State
    start: datetime | None
    end: datetime
    digest: Digest | None = None
    digest_file: str | None = None
    detail: str = ""


def chain_links(
    digests: Sequence[Digest],
    unread: Sequence[UnreadDigest] = (),
    stops: Sequence[Stop] = (),
    due_until: Mapping[tuple[str, str], datetime] | None = None,
) -> list[Link]:
    """Where does each chain run, start and break?

    Parameters
    ----------
    digests : sequence of Digest
        Proven as far as they can be (`digests.prove`).
    unread : sequence of UnreadDigest
        Files that could not be read as digests: a missing digest that one of them was is altered.
    stops : sequence of Stop
        When trails or their validation were switched off, by the log.
    due_until : mapping, optional
        By trail name and home Region, a time by which a digest was delivered, as `GetTrailStatus` says it: a chain
        that ends more than an hour before lacks its newest digests.

    Returns
    -------
    list of Link
        By stream and time, without overlap within a stream.
    """
    streams: dict[Stream, dict[tuple[str, str], Digest]] = defaultdict(dict)
    rank = {"valid": 0, "unproven": 1, "altered": 2}
    for digest in digests:
        best = streams[digest.stream].get(digest.name)
        if best is None or rank[digest.state] < rank[best.state]:
            streams[digest.stream][digest.name] = digest
    links: list[Link] = []
    for stream in sorted(streams):
        held = sorted(streams[stream].values(), key=lambda digest: (digest.start, digest.end, digest.key))
        links += _links(stream, held, unread, stops)
        due = (due_until or {}).get((stream.trail_name, stream.home_region))
        if due and not stream.backfill and held:
            links += _missing_last(stream, held[-1].end, due, stops)
    return links


def _missing_last(stream: Stream, end: datetime, due: datetime, stops: Sequence[Stop]) -> Iterator[Link]:
    last = [
        stop.time
        for stop in stops
        if stop.trail_name == stream.trail_name and stop.home_region in (None, stream.home_region)
    ]
    if last and max(last) <= end + SLACK and max(last) > end - HOUR:
        return  # stopped, and not known to have started again
    while due - end > HOUR:
        yield Link(
            stream,
            "missing",
            end,
            end + HOUR,
            None,
            None,
            f"no digest, though GetTrailStatus says that one was delivered at {due:%Y-%m-%dT%H:%M:%SZ}",
        )
        end += HOUR


def _links(stream: Stream, held: list[Digest], unread: Sequence[UnreadDigest], stops: Sequence[Stop]) -> Iterator[Link]:
    before: Digest | None = None
    names = {digest.name for digest in held}
    for digest in held:
        if before is None:
            if digest.previous is not None:
                yield Link(
                    stream,
                    "not_held",
                    None,
                    digest.start,
                    None,
                    digest.previous[1],
                    "the oldest digest held names one before it: the evidence starts here, or older ones are gone",
                )
        elif digest.previous is None:
            yield from _restart(stream, before, digest, stops)
        elif digest.previous not in names:
            yield from _missing(stream, before.end, digest.start, digest, unread)
        kind = "a starting digest" if digest.previous is None else ""
        detail = "; ".join(text for text in (kind, digest.detail, _moved(digest)) if text)
        yield Link(stream, digest.state, digest.start, digest.end, digest, digest.key, detail)
        before = digest


def _missing(
    stream: Stream, start: datetime, end: datetime, after: Digest, unread: Sequence[UnreadDigest]
) -> Iterator[Link]:
    """The hours between two digests of which the later names one that is not there; the last of these is named."""
    assert after.previous is not None
    name = after.previous[1]
    hours, edge = [], end
    while edge > start:
        hours.append((max(start, edge - HOUR), edge))
        edge -= HOUR
    if not hours:
        hours = [(end, end)]
    broken = next((one for one in unread if one.file.path.endswith(name) or name.endswith(one.file.path)), None)
    says = "a valid digest names it" if after.state == "valid" else "the digest that names it is not proven"
    for number, (hour_start, hour_end) in enumerate(reversed(hours)):
        last = number == len(hours) - 1
        if last and broken:
            yield Link(stream, "altered", hour_start, hour_end, None, name, f"{broken.reason}; {says}")
            continue
        detail = (
            f"not found, though the digest after it names it: {says}"
            if last
            else "no digest, in a chain that names no start"
        )
        yield Link(stream, "missing", hour_start, hour_end, None, name if last else None, detail)


def _restart(stream: Stream, before: Digest, starting: Digest, stops: Sequence[Stop]) -> Iterator[Link]:
    """The stretch before a new starting digest: first hours whose digest was due and is not there, then none due."""
    stop = next(
        (
            stop
            for stop in sorted(stops, key=lambda stop: stop.time, reverse=True)
            if stop.trail_name == stream.trail_name
            and stop.home_region in (None, stream.home_region)
            and before.start <= stop.time <= starting.start
        ),
        None,
    )
    start = before.end
    if stop and stop.time > start + SLACK:
        while start < stop.time:
            end = min(start + HOUR, stop.time)
            yield Link(
                stream,
                "missing",
                start,
                end,
                None,
                None,
                f"no digest, though the trail ran until {stop.event_name} at {stop.time:%Y-%m-%dT%H:%M:%SZ}",
            )
            start = end
    if starting.start <= start:
        return
    trusted = "" if starting.state == "valid" else "; the new starting digest is not proven, so that it may be forged"
    detail = (
        f"{stop.event_name} at {stop.time:%Y-%m-%dT%H:%M:%SZ}, then a new chain"
        if stop
        else "a new chain, with no stop in the evidence that explains it"
    )
    yield Link(stream, "restart", start, starting.start, None, None, detail + trusted)


def _moved(digest: Digest) -> str:
    here, there = digest.file.path.rpartition("/")[2], digest.key.rpartition("/")[2]
    same = here.removesuffix(".gz") == there.removesuffix(".gz")
    return "" if same else f"it lies under another name: {digest.file.path}"


def covered(links: Sequence[Link]) -> dict[Stream, list[tuple[datetime, datetime]]]:
    """When does a valid digest say what was delivered? By stream; backfill digests say nothing of it."""
    found: dict[Stream, list[tuple[datetime, datetime]]] = {}
    for link in links:
        if link.stream.backfill:
            continue
        spans = found.setdefault(link.stream, [])
        if link.state != "valid" or link.start is None:
            continue
        if spans and link.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], link.end))
        else:
            spans.append((link.start, link.end))
    return found
