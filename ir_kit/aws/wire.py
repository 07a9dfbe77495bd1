"""HTTP/1.1 as far as reading objects needs it: many requests at a time over kept connections, in one thread.

Hundreds of thousands of small objects are what log buckets hold, and there the time goes into the client, not into the
network. This one reads an answer's body into a sink, knows when an answer was cut off, and gives up on one that does not
come. It sends GET and HEAD without a body, follows no redirect, and knows nothing of AWS.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit

from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

__all__ = ["FileFault", "Response", "Sink", "Wire", "WireFault", "host_header"]

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
LEAST_RATE = 16_384  # bytes a second: an answer slower than that is asked for again
MOST_HEADERS = 65_536
MOST_ERROR = 1 << 20
PIECE = 1 << 18
_NO_ANSWER = (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError)


class WireFault(Exception):
    """An answer did not come, or not whole: another try may bring it."""


class FileFault(Exception):
    """What came could not be put where it belongs; the cause is the `OSError`."""


class Sink(Protocol):
    """Where an answer's body goes, piece by piece."""

    def write(self, piece: bytes, /) -> object:
        """Take this piece."""


@dataclass(slots=True)
class Response:
    """An answer: status, headers by their names in lower case, and the body where it went to no sink."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    length: int = 0


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False


@dataclass(slots=True)
class _Host:
    scheme: str
    name: str
    port: int
    header: str
    proxy: str | None
    idle: list[_Connection] = field(default_factory=list)


class Wire:
    """Connections by host, kept and used again.

    Parameters
    ----------
    ca_bundle : str, optional
        Certificates to trust in place of botocore's.
    connect_seconds, read_seconds : float
        How long a connection and the next part of an answer may take.
    """

    def __init__(
        self,
        ca_bundle: str | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._hosts: dict[str, _Host] = {}
        self._ca_bundle = ca_bundle
        self._tls: ssl.SSLContext | None = None
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self.requests: defaultdict[str, int] = defaultdict(int)

    async def request(
        self, method: str, base: str, target: str, headers: Mapping[str, str], sink: Callable[[], Sink] | None = None
    ) -> Response:
        """Send this and read what comes.

        Parameters
        ----------
        method : str
            GET or HEAD.
        base, target : str
            Scheme and host; path and query, encoded.
        headers : mapping
        sink : callable, optional
            Makes what takes the body of an answer that is no error.

        Raises
        ------
        WireFault
            The answer did not come, or not whole.
        FileFault
            The sink could not take it.
        """
        host = self._host(base)
        plain_proxy = host.proxy is not None and host.scheme == "http"
        lines = [f"{method} {base + target if plain_proxy else target} HTTP/1.1", f"Host: {host.header}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "host"]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", errors="strict")
        while True:
            connection = host.idle.pop() if host.idle else await self._connected(host)
            self.requests[method] += 1
            try:
                response, reusable = await self._exchange(connection, method, request, sink)
            except _Stale:
                connection.writer.close()
                continue  # it was closed while it was idle; nothing was answered
            except BaseException as fault:
                connection.writer.transport.abort()
                if isinstance(fault, _NO_ANSWER):
                    raise WireFault(f"{type(fault).__name__}: {fault}") from None
                raise
            if reusable:
                connection.used = True
                host.idle.append(connection)
            else:
                connection.writer.close()
            return response

    async def close(self) -> None:
        """Close every connection."""
        writers = [connection.writer for host in self._hosts.values() for connection in host.idle]
        self._hosts.clear()
        for writer in writers:
            writer.close()
        for writer in writers:
            try:
                await asyncio.wait_for(writer.wait_closed(), 1)
            except (OSError, TimeoutError, ssl.SSLError):
                continue

    def _host(self, base: str) -> _Host:
        if base not in self._hosts:
            parts = urlsplit(base)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise WireFault(f"not an address: {base}")
            port = parts.port or (443 if parts.scheme == "https" else 80)
            proxy = get_environ_proxies(base).get(parts.scheme)
            self._hosts[base] = _Host(parts.scheme, parts.hostname, port, host_header(base), proxy)
        return self._hosts[base]

    async def _connected(self, host: _Host) -> _Connection:
        try:
            async with asyncio.timeout(self._connect_seconds):
                tls = self._tls_context() if host.scheme == "https" else None
                if host.proxy is None:
                    pair = await asyncio.open_connection(host.name, host.port, ssl=tls, limit=PIECE)
                    return _Connection(*pair)
                return await self._through_proxy(host, host.proxy, tls)
        except _NO_ANSWER as fault:
            raise WireFault(f"no connection to {host.name}: {type(fault).__name__}: {fault}") from None

    async def _through_proxy(self, host: _Host, proxy: str, tls: ssl.SSLContext | None) -> _Connection:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        outer = self._tls_context() if parts.scheme == "https" else None
        port = parts.port or (443 if outer else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=outer, limit=PIECE)
        if tls is not None:
            lines = [f"CONNECT {host.name}:{host.port} HTTP/1.1", f"Host: {host.name}:{host.port}"]
            if parts.username:
                pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
                lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            status, _ = _head(await reader.readuntil(b"\r\n\r\n"))
            if status != 200:
                writer.close()
                raise OSError(f"the proxy answers {status}")
            await writer.start_tls(tls, server_hostname=host.name)
        return _Connection(reader, writer)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_bundle or get_cert_path(True))
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    async def _exchange(
        self, connection: _Connection, method: str, request: bytes, sink: Callable[[], Sink] | None
    ) -> tuple[Response, bool]:
        reader = connection.reader
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._read_seconds) as patience:
            try:
                connection.writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as fault:
                if connection.used and not getattr(fault, "partial", b""):
                    raise _Stale from None
                raise
            status, headers = _head(head)
            while status in (100, 102, 103):
                status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
            response = Response(status, headers)
            keep = headers.get("connection", "").lower() != "close" and not head.startswith(b"HTTP/1.0")
            if method == "HEAD" or status in (204, 304):
                return response, keep
            taken = _Taken(sink() if sink is not None and status < 300 else None)
            if headers.get("transfer-encoding", "").lower() == "chunked":
                await _chunks(reader, taken)
            elif "content-length" in headers:
                left = _length(headers["content-length"])
                patience.reschedule(loop.time() + self._read_seconds + left / LEAST_RATE)
                while left:
                    piece = await reader.read(min(left, PIECE))
                    if not piece:
                        raise EOFError(f"{left} bytes of the answer are missing")
                    left -= len(piece)
                    taken.take(piece)
            else:
                keep = False  # the end of the connection is the end of the answer, cut off or not
                while piece := await reader.read(PIECE):
                    taken.take(piece)
            response.body, response.length = b"".join(taken.pieces), taken.length
            return response, keep


class _Stale(Exception):
    """A kept connection turned out to be closed."""


class _Taken:
    """What came of a body: into the sink, or kept where it is an error's."""

    def __init__(self, sink: Sink | None) -> None:
        self.sink = sink
        self.pieces: list[bytes] = []
        self.length = 0

    def take(self, piece: bytes) -> None:
        self.length += len(piece)
        if self.sink is None:
            if self.length > MOST_ERROR * 16:
                raise ValueError("an answer without end")
            self.pieces.append(piece)
            return
        try:
            self.sink.write(piece)
        except OSError as fault:
            raise FileFault(str(fault)) from fault


async def _chunks(reader: asyncio.StreamReader, taken: _Taken) -> None:
    while True:
        left = int((await reader.readuntil(b"\r\n")).split(b";", 1)[0].strip(), 16)
        if left < 0:
            raise ValueError("a chunk of less than nothing")
        if left == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass  # trailers
            return
        while left:
            piece = await reader.read(min(left, PIECE))
            if not piece:
                raise EOFError("a chunk of the answer is cut off")
            left -= len(piece)
            taken.take(piece)
        if await reader.readexactly(2) != b"\r\n":
            raise ValueError("a chunk does not end where it should")


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers; a header that comes twice is joined by a comma."""
    if len(data) > MOST_HEADERS:
        raise ValueError("headers without end")
    first, *lines = data.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not an answer in HTTP/1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers and name != "content-length" else value
    return int(rest[:3]), headers


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a length that is no number")
    return int(text)


def host_header(base: str) -> str:
    """What does the header ``Host`` say for this address? The port only where it is not the scheme's own."""
    parts = urlsplit(base)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    usual = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return name if usual else f"{name}:{parts.port}"
