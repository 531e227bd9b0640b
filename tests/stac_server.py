"""A real STAC API server over a made catalogue, and a file server that answers for ranges of its rasters.

The server is `stac-fastapi-static` of the package index. It does not run beside our FastAPI, so it has an environment of
its own, made by `make stac-server`; AGRO_STAC_SERVER names the Python of another.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import requests
from workshop import Made

_OWN = Path(__file__).parents[1] / "build/stac-server/bin/python"
_CODE = "import uvicorn; from stac_fastapi.static.app import app; uvicorn.run(app, port={port}, log_level='error')"


@dataclass
class Files:
    """Where the rasters are served, which ranges were asked for, and what is to go wrong (a status, or a redirect).

    Where `secret` holds a form, files are given to the bearer of a token only, which is to be had for that form, and
    each token opens `opens` files.
    """

    url: str = ""
    secret: dict[str, str] = field(default_factory=dict)
    opens: int = 1_000_000
    tokens: dict[str, int] = field(default_factory=dict)
    bytes_given: int = 0
    fault: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def files_of(folder: Path) -> Iterator[Files]:
    """A file server on loopback."""
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            right = form == files.secret
            token = f"token-{len(files.tokens)}"
            if right:
                files.tokens[token] = files.opens
            content = json.dumps({"access_token": token, "expires_in": 600} if right else {"error": "no"}).encode()
            self.send_response(200 if right else 401)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            files.asked.append(self.path)
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if files.secret and not files.tokens.get(bearer):
                self.send_response(401)
                self.end_headers()
                return
            if files.secret:
                files.tokens[bearer] -= 1
            if files.fault:
                self.send_response(302 if "/" in files.fault else int(files.fault))
                self.send_header("Location", files.fault)
                self.end_headers()
                return
            content = (folder / self.path.lstrip("/")).read_bytes()
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert found
            part = content[int(found[1]) : int(found[2]) + 1]
            files.bytes_given += len(part)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {found[1]}-{int(found[1]) + len(part) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def api_over(made: Made, files: Files) -> Iterator[str]:
    """The root of a STAC API over the catalogue; its items name the file server."""
    python = os.environ.get("AGRO_STAC_SERVER") or str(_OWN)
    if not Path(python).exists():
        pytest.skip("there is no STAC server: `make stac-server` brings it")
    for path in made.catalog.parent.rglob("*.json"):
        content = json.loads(path.read_text())
        for asset in content.get("assets", {}).values():
            if asset["href"].startswith("./"):
                relative = path.parent.relative_to(made.catalog.parent) / asset["href"]
                asset["href"] = f"{files.url}/{relative}"
        path.write_text(json.dumps(content))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "CATALOG_HREF": made.catalog.as_uri()}
    process = subprocess.Popen([python, "-c", _CODE.format(port=port)], env=environment, cwd=made.folder)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                requests.get(f"{url}/_mgmt/ping", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                assert process.poll() is None, "the STAC server ended"
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(20)
