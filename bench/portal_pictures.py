"""`make pictures`: the portal's pages in real Chromium, over the store and the simulated region of `make run`.

It needs what `make run` left in store/ and build/twin; alerts and doses of one farm are made where they are missing.
Writes docs/portal-*.png.
"""

import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from agro.portal.server import configured
from agro.store.index import opened
from agro.store.publish import Store
from flows.advice_office import Request
from flows.before_sowing import prescribe
from flows.settings import Settings, load
from flows.watch_fields import watch

DAY, FARM, FIELD = date(2022, 7, 20), "topki-farm-1", "topki-007"
PASSWORD = "a farm of pictures"  # noqa: S105  of people who live as long as this program
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SHOTS = {  # name: role, path, width and height of the window, whether the whole page is taken
    "fields": ("farmer", f"/fields?day={DAY}", 1280, 860, False),
    "field": ("farmer", f"/fields/{FIELD}?day={DAY}", 1280, 1560, False),
    "field-phone": ("farmer", f"/fields/{FIELD}?day={DAY}", 360, 1240, False),
    "board": ("ministry", f"/board?as_of={DAY}", 1280, 1500, False),
    "operator": ("operator", "/operator", 1280, 900, False),
}
DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Take every picture."""
    browser = os.environ.get("AGRO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        sys.exit("No Chromium here: install it, or name it in AGRO_CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        more = [f"portal.path={folder}", "portal.database=", f"portal.port={port}", f"messages.outbox={folder}/outbox"]
        settings = load("default", [*more, *sys.argv[1:]])
        made_ready(settings)
        config = configured(settings)
        app = config.app
        for role, farms in (("farmer", [FARM]), ("ministry", []), ("operator", [])):
            app.state.accounts.add(role, role, PASSWORD, farms)  # type: ignore[union-attr]
        app.state.shelf.take_rows()  # type: ignore[union-attr]
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.1)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
            for name, (role, path, width, height, whole) in SHOTS.items():
                page = chromium.new_context(viewport={"width": width, "height": height}, locale="ru-RU").new_page()
                taken(page, f"http://127.0.0.1:{port}", role, path)
                page.screenshot(path=DOCS / f"portal-{name}.png", full_page=whole)
                print(DOCS / f"portal-{name}.png")
            chromium.close()
        server.should_exit = True


def made_ready(settings: Settings) -> None:
    """What `make run` does not leave: what fell behind by the day, and doses of the farm."""
    with opened(Store(settings.store.path)) as index:
        alerts = [one.properties["datetime"][:10] for one in index.items("alerts")]
        doses = [one.properties["agro:farm"] for one in index.items("prescriptions")]
    if not any(DAY.replace(day=1).isoformat() <= day <= DAY.isoformat() for day in alerts):
        watch(settings, DAY)
    if FARM not in doses:
        prescribe(settings, Request(farm=FARM))


def taken(page: Page, address: str, role: str, path: str) -> None:
    """A page that is drawn."""
    page.goto(f"{address}/login")
    page.fill("input[name=name]", role)
    page.fill("input[name=password]", PASSWORD)
    page.click("form[action='/login'] button")
    page.goto(address + path)
    if page.query_selector("#map"):
        page.wait_for_selector("#map[data-drawn=yes]", timeout=60_000)
        page.wait_for_timeout(1_500)


if __name__ == "__main__":
    main()
