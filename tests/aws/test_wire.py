"""Facts on the wire and its pace: an answer is whole or it is none."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ir_kit.aws.pace import LONGEST_WAIT, Pace, backoff
from ir_kit.aws.wire import FileFault, Response, Wire, WireFault, host_header


def answered(
    *answers: bytes | None, sink: Callable[[], BytesIO] | None = None, method: str = "GET", times: int = 1
) -> list[Response]:
    """What the wire makes of these answers; None closes the connection without one."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left:
                await reader.readuntil(b"\r\n\r\n")
                answer = left.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if b"close-now" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> list[Response]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        wire = Wire(read_seconds=1.0)
        try:
            return [await wire.request(method, f"http://127.0.0.1:{port}", "/k", {}, sink) for _ in range(times)]
        finally:
            await wire.close()
            server.close()

    return asyncio.run(run())


def test_a_body_comes_by_its_length() -> None:
    (response,) = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc")
    assert (response.status, response.body, response.headers["x-a"]) == (200, b"abc", "b")


def test_a_body_comes_in_chunks() -> None:
    (response,) = answered(
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert response.body == b"abcde"


def test_the_body_of_an_error_does_not_go_into_the_sink() -> None:
    sinks: list[BytesIO] = []

    def sink() -> BytesIO:
        sinks.append(BytesIO())
        return sinks[-1]

    (refused,) = answered(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc", sink=sink)
    assert (refused.body, sinks) == (b"abc", [])
    (given,) = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", sink=sink)
    assert (given.body, sinks[0].getvalue()) == (b"", b"abc")


def test_one_connection_serves_request_after_request() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    assert [response.body for response in answered(answer, answer, answer, times=3)] == [b"x"] * 3


def test_a_kept_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    assert [response.body for response in answered(answer, None, answer, times=2)] == [b"x"] * 2


def test_the_answer_to_a_head_has_no_body() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
    assert [response.headers["content-length"] for response in answered(answer, answer, method="HEAD", times=2)] == [
        "77",
        "77",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nclose-now: 1\r\n\r\nabc", b"HTTP/1.1 200 OK\r\nclose-now: 1\r\nConte",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nclose-now: 1\r\n\r\n9\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nclose-now: 1\r\n\r\nxyz\r\n", b"SSH-2.0-close-now\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 600_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_an_answer_that_is_cut_off_or_is_none_is_a_fault(answer: bytes | None) -> None:
    with pytest.raises(WireFault):
        answered(answer)


def test_a_sink_that_is_full_is_no_fault_of_the_wire() -> None:
    class Full(BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(FileFault):
        answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", sink=Full)


def test_nobody_listening_is_a_fault() -> None:
    async def ask() -> None:
        await Wire().request("GET", "http://127.0.0.1:9", "/", {})

    with pytest.raises(WireFault, match="no connection to"):
        asyncio.run(ask())


def test_through_a_proxy_the_whole_address_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        wire = Wire()
        await wire.request("GET", "http://bucket.example", "/k", {})
        await wire.close()
        server.close()

    asyncio.run(run())
    assert seen[0].startswith(b"GET http://bucket.example/k HTTP/1.1\r\nHost: bucket.example\r\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine with its key, made now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    (tmp_path / "trusted.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return path


def over_tls(
    certificate: Path, wire: Wire, name: str, monkeypatch: pytest.MonkeyPatch | None = None
) -> tuple[Response, list[bytes]]:
    """A request over TLS, through a proxy where the environment is to be patched; and what the proxy was asked."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
        writer.close()

    async def run() -> Response:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

            async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
                with contextlib.suppress(OSError):
                    while data := await source.read(65_536):
                        target.write(data)
                target.close()

            await asyncio.gather(pump(reader, outer), pump(inner, writer))

        proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
        if monkeypatch is not None:
            where = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
            monkeypatch.setenv("https_proxy", f"http://user:pass%20word@{where}")
        try:
            return await wire.request("GET", f"https://{name}:{port}", "/k", {})
        finally:
            await wire.close()
            server.close()
            proxy.close()

    return asyncio.run(run()), asked


def test_over_tls_a_certificate_that_is_trusted_is_taken(certificate: Path) -> None:
    response, _ = over_tls(certificate, Wire(str(certificate.with_name("trusted.pem"))), "localhost")
    assert response.body == b"ok"


def test_over_tls_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(certificate: Path) -> None:
    with pytest.raises(WireFault, match="CERTIFICATE_VERIFY_FAILED"):
        over_tls(certificate, Wire(), "localhost")
    with pytest.raises(WireFault, match="CERTIFICATE_VERIFY_FAILED"):
        over_tls(certificate, Wire(str(certificate.with_name("trusted.pem"))), "127.0.0.1")


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_request(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(str(certificate.with_name("trusted.pem")))
    response, asked = over_tls(certificate, wire, "localhost", monkeypatch)
    assert response.body == b"ok"
    assert len(asked) == 1 and asked[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=" in asked[0]


def test_the_host_names_its_port_where_it_is_not_the_usual_one() -> None:
    assert host_header("https://b.s3.amazonaws.com:443") == "b.s3.amazonaws.com"
    assert host_header("http://127.0.0.1:9000") == "127.0.0.1:9000"
    assert host_header("http://[::1]:9000") == "[::1]:9000"


def test_the_wait_grows_to_its_bound_and_what_s3_asks_for_is_kept() -> None:
    chance = random.Random(1)
    assert all(0 <= backoff(attempt, chance) <= min(LONGEST_WAIT, 0.5 * 2 ** (attempt - 1)) for attempt in range(1, 40))
    assert backoff(1, chance, "7") >= 7
    assert backoff(1, chance, "99999") <= 2 * LONGEST_WAIT
    assert backoff(1, chance, "soon") <= 0.5


def paced(work: Callable[[Pace], Awaitable[None]], most: int = 8) -> Pace:
    async def run() -> Pace:
        pace = Pace(most)
        await work(pace)
        return pace

    return asyncio.run(run())


def test_a_wave_of_refusals_halves_once() -> None:
    async def work(pace: Pace) -> None:
        for _ in range(8):
            await pace.enter()
        for _ in range(8):
            pace.leave(True)

    assert paced(work).allowed == 4


def test_the_pace_never_falls_below_one_and_comes_back() -> None:
    async def work(pace: Pace) -> None:
        for _ in range(20):
            await pace.enter()
            pace.leave(True)
        assert pace.allowed == 1
        for _ in range(200):
            await pace.enter()
            pace.leave(False)

    assert paced(work).allowed == 8


def test_no_more_are_under_way_than_allowed_and_all_get_their_turn() -> None:
    running, most = [0], [0]

    async def one(pace: Pace) -> None:
        await pace.enter()
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        pace.leave(False)

    async def work(pace: Pace) -> None:
        await asyncio.gather(*(one(pace) for _ in range(100)))

    paced(work, 4)
    assert (running[0], most[0]) == (0, 4)
