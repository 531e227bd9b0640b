"""A service of daily weather on loopback, in the shape of NASA POWER's daily point, and all that can go wrong with it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

UNITS = {"T2M_MIN": "C", "T2M_MAX": "C", "T2M": "C", "PRECTOTCORR": "mm/day", "ALLSKY_SFC_SW_DWN": "MJ/m^2/day", "WS2M": "m/s", "RH2M": "%", "T2MDEW": "C"}  # fmt: skip
PLAIN = {"T2M_MIN": 10.0, "T2M_MAX": 20.0, "T2M": 15.0, "PRECTOTCORR": 1.0, "ALLSKY_SFC_SW_DWN": 18.0, "WS2M": 2.0, "RH2M": 60.0, "T2MDEW": 7.0}  # fmt: skip
FILL = -999.0


@dataclass
class Peer:
    """What it says of days, what it lacks, what was asked, and how it misbehaves (a fault with * stays)."""

    url: str = ""
    said: dict[tuple[str, str], float] = field(default_factory=dict)
    newest: date = date(2022, 12, 31)
    units: dict[str, str] = field(default_factory=lambda: dict(UNITS))
    moved_deg: float = 0.0
    fault: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def service(self, folder: Path, name: str = "service.toml", **more: Any) -> Path:
        """A file that names it, as a user writes it, with the headings of the published profile."""
        profile = Path(__file__).parents[1] / "configs/weather/nasa-power.toml"
        about, _, columns = profile.read_text().partition("[columns]")
        keys = {"url": f"{self.url}/daily?longitude={{longitude}}&latitude={{latitude}}&start={{first}}&end={{last}}"}
        keys |= {"since": date(2022, 5, 1), "attempts": 2, "timeout_s": 2.0, "deadline_s": 10.0, **more}
        lines = [line for line in about.splitlines() if line.split(" = ")[0] not in keys]
        told = [f"{key} = {value if isinstance(value, date) else json.dumps(value)}" for key, value in keys.items()]
        path = folder / name
        path.write_text("\n".join([*lines, *told, "[columns]" + columns]))
        return path

    def answer(self, asked: dict[str, str]) -> str:
        """The days that were asked for; those that it has not yet are marked, as POWER does."""
        first, last = (date.fromisoformat(asked[name]) for name in ("start", "end"))
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        values = {
            name: {
                f"{day:%Y%m%d}": self.said.get((name, f"{day:%Y-%m-%d}"), plain) if day <= self.newest else FILL
                for day in days
            }
            for name, plain in PLAIN.items()
        }
        at = [float(asked["longitude"]) + self.moved_deg, float(asked["latitude"]), 180.0]
        return json.dumps(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": at},
                "properties": {"parameter": values},
                "header": {"title": "peer", "fill_value": FILL, "start": asked["start"], "end": asked["end"]},
                "parameters": {name: {"units": unit, "longname": name} for name, unit in self.units.items()},
            }
        )


@contextmanager
def weather_peer() -> Iterator[Peer]:
    """The service, as long as it is needed."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            peer.asked.append(asked)
            fault, stays = peer.fault.removesuffix("*"), peer.fault.endswith("*")
            peer.fault = peer.fault if stays else ""
            if fault == "hang":
                time.sleep(3)
            body = {"html": "<html>log in</html>", "huge": "0" * 21_000_000, "deep": "[" * 100_000, "else": "{}"}
            text = (body.get(fault) or peer.answer(asked)).encode()
            self.send_response(int(fault) if fault.isdecimal() else 302 if fault.startswith("to ") else 200)
            if fault.startswith("to "):
                self.send_header("Location", fault.removeprefix("to "))
            self.send_header("Content-Length", str(len(text) * (2 if fault == "short" else 1)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
