"""A server on loopback that speaks as Sentinel Hub does: token, catalogue, Process API, over a STAC catalogue on disk.

It evaluates the evalscript itself (QuickJS) over the catalogue's rasters, resampled by the nearest pixel, and gives
what `misbehave` was told in place of an answer.
"""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import quickjs
import rasterio
import shapely
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_geom

BANDS = {"B03": "green", "B04": "red", "B08": "nir", "B05": "rededge1", "B06": "rededge2", "B07": "rededge3", "B8A": "nir08", "B11": "swir16", "B12": "swir22", "SCL": "scl"}  # fmt: skip
ANGLES = {"sunZenithAngles": "view:sun_elevation", "sunAzimuthAngles": "view:sun_azimuth", "viewZenithMean": "view:off_nadir", "viewAzimuthMean": "view:azimuth"}  # fmt: skip
CLIENT, SECRET = "peer-client", "peer-secret-0123456789"
_UNTOLD = ("view:", "mgrs:", "s2:", "earthsearch:", "processing:")  # what the service's catalogue does not say
_RUN = """
function run(text) {
  const given = JSON.parse(text), setting = setup(), made = [];
  for (let i = 0; i < given.size; i++) {
    const sample = {};
    for (const band in given.bands) sample[band] = given.bands[band][i];
    made.push(evaluatePixel(sample));
  }
  return JSON.stringify({made: made, output: setting.output});
}
"""


@dataclass
class Peer:
    """The running server: its address, what it was asked, what is to go wrong."""

    catalog: Path
    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    units: float = 0.0
    token_s: float = 600.0
    tokens: set[str] = field(default_factory=set)
    faults: dict[str, list[str]] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)
    known: list[dict[str, Any]] = field(default_factory=list)

    def misbehave(self, call: str, *faults: str) -> None:
        """The next answers to a call (`token`, `search`, `process`): `429`, `500`, `401`, `hang`, `html`, `short`, ...

        A fault that ends with `*` stays.
        """
        self.faults[call] = list(faults)

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.calls)

    def sets(self, folder: Path, *more: str) -> list[str]:
        """Overrides that point `--config sentinel-hub` here."""
        return [
            f"hub.base_url={self.url}",
            f"hub.token_url={self.url}/token",
            f"hub.ledger={folder}",
            "hub.since=2015-07-01",
            "hub.most_cloud_pct=100",
            "hub.timeout_s=5",
            "hub.deadline_s=20",
            *more,
        ]

    def items(self) -> list[dict[str, Any]]:
        if not self.known:
            found = sorted(self.catalog.parent.glob("sentinel-2-l2a/*/*.json"))
            read = [{**json.loads(path.read_text()), "folder": path.parent} for path in found]
            items = [item for item in read if item.get("type") == "Feature"]
            self.known = sorted(items, key=lambda item: item["properties"]["datetime"])
        return self.known


@contextmanager
def peer_over(catalog: Path) -> Iterator[Peer]:
    """A peer that serves the Sentinel-2 items of a catalogue."""
    peer = Peer(catalog)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(peer))
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()


class Refused(Exception):
    """An answer of 4xx, as the service words it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def _handler(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            call = {"/token": "token", "/api/v1/process": "process", "/api/v1/catalog/1.0.0/search": "search"}.get(
                self.path
            )
            if call is None:
                return self.give(404, b"{}")
            asked = {k: v[0] for k, v in parse_qs(body.decode()).items()} if call == "token" else json.loads(body)
            with peer.lock:
                peer.calls.append((call, asked))
                waiting = peer.faults.get(call, [])
                fault = waiting[0] if waiting else ""
                if waiting and not fault.endswith("*"):
                    waiting.pop(0)
            try:
                answer = None if fault else self.answer(call, asked)
            except Refused as refused:
                told = {"error": {"status": refused.status, "reason": "Bad Request", "message": refused.reason}}
                return self.give(refused.status, json.dumps(told).encode())
            return self.go_wrong(call, fault.rstrip("*"), asked) if answer is None else self.give(200, *answer)

        def answer(self, call: str, asked: dict[str, Any]) -> tuple[bytes, str, dict[str, str]]:
            if call == "token":
                if (asked.get("grant_type"), asked.get("client_id"), asked.get("client_secret")) != (
                    "client_credentials",
                    CLIENT,
                    SECRET,
                ):
                    raise Refused(401, "Invalid client or Invalid client credentials")
                token = f"token-{len(peer.tokens)}"
                peer.tokens.add(token)
                return (
                    json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": peer.token_s}).encode(),
                    "application/json",
                    {},
                )
            if self.headers.get("Authorization", "").removeprefix("Bearer ") not in peer.tokens:
                raise Refused(401, "You are not authorized")
            if call == "search":
                return json.dumps(search(peer, asked)).encode(), "application/geo+json", {}
            content, units = process(peer, asked)
            with peer.lock:
                peer.units += units
            return content, "image/tiff", {"X-ProcessingUnits-Spent": f"{units:.6f}"}

        def go_wrong(self, call: str, fault: str, asked: dict[str, Any]) -> None:
            if fault == "hang":
                time.sleep(8)
            elif fault == "reset":
                self.connection.close()
            elif fault in ("html", "expired"):
                self.give(200, b"<html><body>Please log in</body></html>", "text/html")
            elif fault.startswith("to "):
                self.give(302, b"", more={"Location": fault.removeprefix("to ")})
            elif fault in ("short", "cut"):
                content, kind, more = self.answer(call, asked)
                self.give(
                    200, content[: len(content) // 2], kind, more, length=len(content) if fault == "short" else None
                )
            elif fault.isdecimal():
                if fault == "401":
                    peer.tokens.clear()
                self.give(
                    int(fault),
                    b'{"error": {"message": "made to fail"}}',
                    more={"Retry-After": "1000"} if fault == "429" else {},
                )
            else:
                asked = json.loads(json.dumps(asked))
                change: dict[str, Callable[[], Any]] = {
                    "size": lambda: asked["output"].update(width=asked["output"]["width"] // 2),
                    "crs": lambda: asked["input"]["bounds"]["properties"].update(crs="http://www.opengis.net/def/crs/EPSG/0/32633"),
                    "place": lambda: asked["input"]["bounds"].update(bbox=[v + 640 for v in asked["input"]["bounds"]["bbox"]]),
                    "type": lambda: asked.update(evalscript=asked["evalscript"].replace("UINT16", "FLOAT32")),
                    "empty": lambda: asked.update(evalscript=asked["evalscript"].replace("s.dataMask ?", "false ?")),
                }  # fmt: skip
                change[fault]()
                content, kind, more = self.answer(call, asked)
                self.give(200, content, kind, more)

        def give(
            self,
            status: int,
            content: bytes,
            kind: str = "application/json",
            more: dict[str, str] | None = None,
            length: int | None = -1,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in (more or {}).items():
                self.send_header(name, value)
            if length is not None:
                self.send_header("Content-Length", str(len(content) if length < 0 else length))
            if length is None or length >= 0:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(content)

    return Handler


def search(peer: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    """The catalogue's answer, page by page, with as little about each item as the service tells."""
    first, last = (datetime.fromisoformat(text) for text in asked["datetime"].split("/"))
    ground = shapely.box(*asked["bbox"])
    found = [
        item
        for item in peer.items()
        if item["collection"] in asked["collections"]
        and first <= datetime.fromisoformat(item["properties"]["datetime"]) <= last
        and shapely.geometry.shape(item["geometry"]).intersects(ground)
        and _fair_enough(asked.get("filter"), item["properties"])
    ]
    start, limit = int(asked.get("next", 0)), min(int(asked.get("limit", 10)), 100)
    page = found[start : start + limit]
    more = {"next": start + limit} if start + limit < len(found) else {}
    told = [
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            **{name: item[name] for name in ("id", "bbox", "geometry")},
            "properties": {k: v for k, v in item["properties"].items() if not k.startswith(_UNTOLD)},
        }
        for item in page
    ]
    context = {"limit": limit, "returned": len(page), **more}
    return {"type": "FeatureCollection", "features": told, "links": [], "context": context}


def _fair_enough(wanted: str | None, properties: dict[str, Any]) -> bool:
    """The one filter that is asked for, in CQL2 text."""
    if wanted is None:
        return True
    name, sign, value = wanted.split(" ")
    if (name, sign) != ("eo:cloud_cover", "<="):
        raise Refused(400, f"filter {wanted} is not served")
    return bool(properties[name] <= float(value))


def process(peer: Peer, asked: dict[str, Any]) -> tuple[bytes, float]:
    """The GeoTIFF that the evalscript makes, and its price in processing units."""
    bounds, (source,), output = asked["input"]["bounds"], asked["input"]["data"], asked["output"]
    crs = "EPSG:" + bounds["properties"]["crs"].rsplit("/", 1)[-1]
    shape = output["height"], output["width"]
    if max(shape) > 2500 or min(shape) < 1:
        raise Refused(400, "The requested image is too large")
    if output["responses"] != [{"identifier": "default", "format": {"type": "image/tiff"}}]:
        raise Refused(400, "one TIFF response is served")
    script = quickjs.Context()
    script.set_memory_limit(200_000_000)
    script.set_time_limit(60)
    try:
        script.eval(asked["evalscript"] + _RUN)
        setting = json.loads(script.eval("JSON.stringify(setup())"))
    except quickjs.JSException as error:
        raise Refused(400, f"Failed to evaluate script: {error}") from None
    (given,) = setting["input"]
    samples = _samples(peer, source, given, crs, tuple(bounds["bbox"]), shape)
    try:
        run = script.get("run")
        made = json.loads(run(json.dumps({"size": shape[0] * shape[1], "bands": samples})))["made"]
    except quickjs.JSException as error:
        raise Refused(400, f"Failed to evaluate script: {error}") from None
    kind = {"UINT16": "uint16", "FLOAT32": "float32", "UINT8": "uint8"}[setting["output"]["sampleType"]]
    pixels = np.array(made, float).T.reshape(setting["output"]["bands"], *shape)
    if kind != "float32":
        pixels = np.clip(np.rint(pixels), 0, np.iinfo(kind).max)
    priced = [band for band in given["bands"] if band != "dataMask"]
    share = max(shape[0] * shape[1] / 512**2, 0.01)
    units = max(share * len(priced) / 3 * (2 if kind == "float32" else 1), 0.005)
    return _tiff(pixels.astype(kind), crs, tuple(bounds["bbox"])), units


def _samples(
    peer: Peer, source: dict[str, Any], given: dict[str, Any], crs: str, bbox: Sequence[float], shape: tuple[int, int]
) -> dict[str, list[float]]:
    """The bands of the newest product of the time range at each pixel of the output; 0 where none lies."""
    window = [datetime.fromisoformat(source["dataFilter"]["timeRange"][end]) for end in ("from", "to")]
    here = shapely.geometry.shape(transform_geom(crs, "EPSG:4326", shapely.box(*bbox).__geo_interface__))
    items = [
        item
        for item in peer.items()
        if item["collection"] == source["type"]
        and window[0] <= datetime.fromisoformat(item["properties"]["datetime"]) <= window[1]
        and shapely.geometry.shape(item["geometry"]).intersects(here)
    ]
    samples = {band: np.zeros(shape) for band in given["bands"]}
    free = np.ones(shape, bool)
    for item in reversed(items):
        whole = _nearest(item, "red" if "red" in item["assets"] else "B04", crs, bbox, shape)
        mine = free & (whole > 0)
        free &= ~mine
        for band in given["bands"]:
            samples[band] = np.where(mine, _values(item, band, given, source, crs, bbox, shape), samples[band])
    return {band: values.ravel().tolist() for band, values in samples.items()}


def _values(
    item: dict[str, Any],
    band: str,
    given: dict[str, Any],
    source: dict[str, Any],
    crs: str,
    bbox: Sequence[float],
    shape: tuple[int, int],
) -> Any:
    if band == "dataMask":
        return 1.0
    if band in ANGLES:
        value = item["properties"].get(ANGLES[band], 0.0)
        return 90.0 - value if band == "sunZenithAngles" else value
    if band not in BANDS or given.get("units") != "DN":
        raise Refused(400, f"Dataset with id: 0 has no band {band} in units {given.get('units')}.")
    key = BANDS[band] if BANDS[band] in item["assets"] else band
    if key not in item["assets"]:
        raise Refused(400, f"Dataset with id: 0 has no band {band}.")
    counts = _nearest(item, key, crs, bbox, shape)
    if band == "SCL" or not source.get("processing", {}).get("harmonizeValues", True):
        return counts
    offset = round(item["assets"][key]["raster:bands"][0].get("offset", 0) * 10_000)
    return np.where(counts > 0, np.maximum(counts + offset, 0), 0)


def _nearest(item: dict[str, Any], key: str, crs: str, bbox: Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    transform = from_bounds(*bbox, shape[1], shape[0])
    with (
        rasterio.open(item["folder"] / item["assets"][key]["href"]) as raster,
        WarpedVRT(
            raster, crs=crs, transform=transform, width=shape[1], height=shape[0], resampling=Resampling.nearest
        ) as vrt,
    ):
        return np.asarray(vrt.read(1)).astype(float)


def _tiff(pixels: np.ndarray, crs: str, bbox: Sequence[float]) -> bytes:
    place = {"crs": crs, "transform": from_bounds(*bbox, pixels.shape[2], pixels.shape[1])}
    memory = io.BytesIO()
    with rasterio.open(
        memory,
        "w",
        driver="GTiff",
        count=len(pixels),
        height=pixels.shape[1],
        width=pixels.shape[2],
        dtype=pixels.dtype,
        **place,
    ) as raster:
        raster.write(pixels)
    return memory.getvalue()
