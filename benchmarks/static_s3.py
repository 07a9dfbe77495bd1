"""A static S3 endpoint that is no limit: every object is the same bytes, answers are made beforehand, two processes share a port.

``python benchmarks/static_s3.py PORT OBJECTS BYTES`` serves until it is killed. It reads no more of a request than it must, and checks no
signature.
"""

from __future__ import annotations

import hashlib
import os
import random
import select
import socket
import sys

PROCESSES = 2
FOLDER = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/"
NAME = "111122223333_CloudTrail_us-east-1_20260301T0000Z_{:016d}.json.gz"
END = b"\r\n\r\n"


def answer(body: bytes, headers: str) -> bytes:
    """An answer as it goes over the wire."""
    return f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def pages(objects: int, size: int, etag: str) -> list[bytes]:
    """The listing of the bucket, a thousand names a page; the first is given to whoever names no page."""
    found = []
    for start in range(0, objects, 1000):
        text = "".join(
            f"<Contents><Key>{FOLDER}{NAME.format(number)}</Key><LastModified>2026-03-01T10:00:00.000Z</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(start, min(objects, start + 1000))
        )
        more = start + 1000 < objects
        if more:
            text += f"<NextContinuationToken>{start + 1000}</NextContinuationToken>"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>trail</Name><IsTruncated>{str(more).lower()}</IsTruncated>{text}</ListBucketResult>"
        )
        found.append(answer(body.encode(), "Content-Type: application/xml\r\n"))
    return found


def serve(port: int, objects: int, size: int) -> None:
    """Answer until the process is ended."""
    body = random.Random(1).randbytes(size)
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    given = answer(body, f'ETag: "{etag}"\r\nLast-Modified: Sun, 01 Mar 2026 10:00:00 GMT\r\n')
    listing = pages(objects, size, etag)
    versioning = answer(b"<VersioningConfiguration/>", "Content-Type: application/xml\r\n")
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.bind(("127.0.0.1", port))
    door.listen(512)
    poll = select.epoll()
    poll.register(door.fileno(), select.EPOLLIN)
    guests: dict[int, socket.socket] = {}
    waiting: dict[int, bytes] = {}
    while True:
        for number, _ in poll.poll():
            if number == door.fileno():
                guest, _ = door.accept()
                guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                guests[guest.fileno()] = guest
                poll.register(guest.fileno(), select.EPOLLIN)
                continue
            guest = guests[number]
            try:
                data = guest.recv(65_536)
            except OSError:
                data = b""
            if not data:
                poll.unregister(number)
                guests.pop(number).close()
                continue
            data = waiting.pop(number, b"") + data
            if not data.endswith(END):
                waiting[number] = data
                continue
            target = data.split(b" ", 2)[1]
            if b"versioning" in target:
                guest.sendall(versioning)
            elif b"list-type" in target:
                token = target.partition(b"continuation-token=")[2].partition(b"&")[0]
                guest.sendall(listing[int(token or 0) // 1000])
            else:
                guest.sendall(given * data.count(END))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:4]]
    for _ in range(PROCESSES - 1):
        if os.fork() == 0:
            break
    serve(*given)
