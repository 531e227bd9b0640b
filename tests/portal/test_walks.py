"""People's walks through the pages in a real browser: to a proved task file, to an exported board, and what must hold
on every page: nothing but this machine is asked, no error is told, nothing is wider than the window.
"""

import io
import os
import re
import shutil
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import openpyxl
import pytest
import uvicorn
from boards import board
from small_farm import overrides, soil
from workshop import GREEN, Scene, build_catalog, run_plain

from agro.portal.server import configured
from agro.reports.board_book import board_xlsx
from agro.reports.board_page import board_words_json
from agro.reports.board_pictures import board_pdf
from agro.sources.archive import unzipped
from agro.sources.task_data import from_files
from agro.sources.task_map import task_maps
from agro.store import stac
from agro.store.index import opened
from agro.store.publish import publish, writing
from flows.advice_office import Request
from flows.before_sowing import prescribe
from flows.settings import load

PASSWORD = "seven small horses"  # noqa: S105  of made people
PEOPLE = {"farmer": ["Заря"], "ministry": [], "operator": []}
BROWSER = os.environ.get("AGRO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # fmt: skip
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium here: install it, or name it in AGRO_CHROMIUM")


@dataclass
class Browser:
    """Chromium before the portal at `address`; what its pages told of errors and whom they asked."""

    chromium: Any
    address: str
    asked: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def visit(self, width: int = 1440, as_role: str | None = None) -> Any:
        """A page of a new visitor, logged in where a role is named."""
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: self.asked.add(urlsplit(request.url).hostname or request.url[:5]))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        if as_role:
            page.goto(f"{self.address}/login")
            page.fill("input[name=name]", as_role)
            page.fill("input[name=password]", PASSWORD)
            page.click("form[action='/login'] button")
        return page


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The settings of a farm with soil, two looks from above over one field, one prescription, and a board."""
    folder = tmp_path_factory.mktemp("walks")
    fall = np.linspace(0.25, 0.45, 96)[:, None] * np.ones((1, 96))
    looks = [
        Scene("june", when="2026-06-05T05:10:00Z"),
        Scene("july", when="2026-07-01T05:10:00Z", pixels={"nir": fall}, reflectance=GREEN),
    ]
    made = build_catalog(folder, looks, west=439_740, north=6_134_780, side=96)
    told = overrides(folder, f"imagery.catalog={made.catalog}", f"portal.path={folder / 'portal'}", "portal.database=")
    settings = load("stac", told)
    run_plain(settings)
    done = prescribe(settings, Request(field_ids=("zarya-2",)), date(2026, 4, 25))
    assert len(done.results) == 1
    with writing(settings.store.path) as store, opened(store) as index:
        one = board()
        content = {
            "words": board_words_json({"ru": one, "en": one}),
            "xlsx": board_xlsx(one, "ru"),
            "pdf": board_pdf(one, "ru"),
        }
        kinds = {"words": "application/json", "xlsx": "application/vnd.ms-excel", "pdf": "application/pdf"}
        assets = {name: {"href": f"board.{name}", "type": kind} for name, kind in kinds.items()}
        about = {"agro:as_of": "2022-07-15", "agro:season": 2022, "agro:simulated": True, "agro:parents": []}
        item = stac.item("board", None, {"datetime": "2022-07-15T23:59:59Z", **about}, assets)
        index.add(publish(store, "boards/20220715--one", content, item))
    return told


@pytest.fixture(scope="module")
def browser(farm: list[str]) -> Iterator[Browser]:
    """A real browser before a real server."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = configured(load("stac", [*farm, f"portal.port={port}"]))
    for role, farms in PEOPLE.items():
        config.app.state.accounts.add(role, role, PASSWORD, farms)  # type: ignore[union-attr]
    config.app.state.shelf.take_rows()  # type: ignore[union-attr]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield Browser(chromium, f"http://127.0.0.1:{port}")
        chromium.close()
    server.should_exit = True
    thread.join(30)


def ready(page: Any) -> None:
    """Wait until the map has drawn what it shows."""
    page.wait_for_selector("#map[data-drawn=yes]")


def test_a_farmer_walks_from_the_door_to_a_proved_task_file(browser: Browser) -> None:
    page = browser.visit(as_role="farmer")
    page.click("text=zarya-1")
    ready(page)
    assert "индекс вегетации NDVI" in page.inner_text("#layer").lower().replace("ndvi", "NDVI")
    assert "01.07.2026" in page.inner_text("#pass-told") and page.inner_text("#legend").startswith("0,0")
    page.click("#pass-before")
    assert "05.06.2026" in page.inner_text("#pass-told")
    page.wait_for_timeout(200)
    page.click("#map", position={"x": 340, "y": 210})
    assert re.search(r"0,\d\d NDVI", page.inner_text(".map-value"))
    page.click("text=Рассчитать")
    page.wait_for_selector("#work, #prescription table")
    page.reload()  # what runs does not mind
    page.wait_for_selector("#prescription table")
    with page.expect_download() as download:
        page.click("text=TASKDATA.zip")
    content = Path(download.value.path()).read_bytes()
    (found,) = [task for _, task in task_maps(from_files(unzipped(content, "TASKDATA.zip"), "TASKDATA.zip"))]
    shown = {
        int(text) for text in re.findall(r"\d+", page.inner_text("#prescription table:first-of-type td:nth-child(2)"))
    }
    rates = [*found.cells.rates[..., 0].ravel()] if found.cells is not None else [area.rates[0] for area in found.areas]
    assert {round(rate) for rate in rates if np.isfinite(rate) and rate > 0} == shown
    assert "совпадают с картой-заданием" in page.inner_text("#prescription")
    for name in ("zarya-1/sheet.pdf", "zarya-1/prescription.pdf"):
        answer = page.request.get(f"{browser.address}/fields/{name}")
        assert answer.status == 200 and answer.body().startswith(b"%PDF")


def test_the_ministry_walks_from_the_door_to_an_exported_board(browser: Browser) -> None:
    page = browser.visit(as_role="ministry")
    text = page.inner_text("main")
    assert "103,2 %" in text and "яровая пшеница" in text and "19,0–31,0" in text and "консервативный" in text
    assert page.locator("figure img").count() == 2
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    with page.expect_download() as download:
        page.click("text=XLSX")
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert list(book.worksheets[0].iter_rows(values_only=True))[3][:3] == ("яровая пшеница", "Топкинский район", 2.51)
    assert "Заря" not in page.content() and "zarya" not in page.content()
    assert page.request.get(f"{browser.address}/fields/zarya-1").status == 403


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_is_wider_than_its_window_or_asks_another_machine(browser: Browser, width: int) -> None:
    pages = {
        None: ["/login"],
        "farmer": ["/fields", "/fields/zarya-1", "/fields/zarya-2?day=2026-06-10", "/files"],
        "ministry": ["/board"],
        "operator": ["/operator"],
    }
    browser.errors.clear()
    for role, paths in pages.items():
        page = browser.visit(width, role)
        for path in paths:
            assert page.goto(f"{browser.address}{path}").status == 200
            if page.query_selector("#map"):
                ready(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            nameless = "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(one => !one.labels.length && !one.ariaLabel).length"
            assert page.evaluate(nameless) == 0, path
    assert browser.asked == {"127.0.0.1"} | ({"blob:"} & browser.asked) and browser.errors == []


@pytest.mark.skipif("AGRO_TIMED" not in os.environ, reason="a machine may be busy: AGRO_TIMED=1 measures it")
def test_a_field_can_be_used_soon_after_the_first_visit(browser: Browser) -> None:
    """Read, with its forms and links alive and the map's program loaded: the best of three."""
    took = []
    for _ in range(3):
        page = browser.visit(as_role="farmer")
        page.goto(f"{browser.address}/fields/zarya-1")
        took.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
        assert "Растёт ли как обычно?" in page.inner_text("main")
    assert min(took) <= 1500, took  # [ms]


def test_two_tabs_that_change_one_field_lose_nothing_unseen(browser: Browser) -> None:
    first = browser.visit(as_role="farmer")
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(f"{browser.address}/fields/zarya-3")
    for tab, note in ((first, "у леса сыро"), (second, "камни на юге")):
        tab.fill("textarea[name=note_text]", note)
        tab.click("#plan button")
    both = second.inner_text("main")
    assert "у леса сыро" in both and "камни на юге" in both and "ещё не сохранены" in both
    second.click("text=Сохранить моё")
    assert second.input_value("textarea[name=note_text]") == "камни на юге"


def test_a_file_is_kept_only_where_it_is_good(browser: Browser) -> None:
    page = browser.visit(as_role="farmer")
    page.goto(f"{browser.address}/files")
    bad = soil().replace(";20.04.2026;", ";20.04.2099;", 1)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fields.geojson", b" " * 60_000_000)
    for kind, name, content, says in (
        ("soil", "пробы.csv", bad.encode(), "строка 2"),
        ("outlines", "fields.zip", bomb.getvalue(), "подозрительно"),
        ("soil", "пробы.csv", soil().encode(), "верен и сохранён"),
    ):
        page.set_input_files(f"#{kind} input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": content})
        page.click(f"#{kind} button")
        assert says in page.inner_text(f"#{kind}"), page.inner_text(f"#{kind}")
    page.goto(f"{browser.address}/fields/zarya-1")
    log = {"name": "log.zip", "mimeType": "application/zip", "buffer": b"no archive"}
    page.set_input_files("form[action$='as-applied'] input[type=file]", log)
    page.click("form[action$='as-applied'] button")
    assert "log.zip" in page.inner_text(".problem")
