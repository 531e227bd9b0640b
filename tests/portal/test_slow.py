"""The portal as a process: those who dawdle are let go, and others do not wait for them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from conftest import World

from agro.portal.server import patient


@pytest.fixture
def port(strict: World) -> Iterator[int]:
    """The portal on loopback; a request may take a second to arrive."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    for one in strict.app.user_middleware:
        if "state" in one.kwargs:
            one.kwargs["slow_s"] = 1.0
    config = uvicorn.Config(strict.app, port=port, http=patient(1.0), ws="none", loop="uvloop", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield port
    server.should_exit = True
    thread.join(20)


def asked(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause_s)
        answer = b""
        with suppress(ConnectionResetError):  # the server hangs up on who dawdles: what came before it counts
            while piece := line.recv(65536):
                answer += piece
        return answer


def test_those_who_dawdle_are_let_go_and_others_do_not_wait(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
    for line in slow:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")  # and never the rest
    began = time.monotonic()
    well = asked(port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 200 " in well and time.monotonic() - began < 1.0
    time.sleep(1.5)
    assert all(line.recv(1) == b"" for line in slow)
    for line in slow:
        line.close()


def test_a_body_that_does_not_come_ends_in_a_sentence(port: int) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"
    answer = asked(port, head + b"name=a")
    assert b" 408 " in answer.splitlines()[0], answer[:200]
