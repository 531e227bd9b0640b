"""A small store with two farms, made once, and the portal over it with one person of each role."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from workshop import Scene, build_catalog, run_plain

from agro.portal.app import create_app
from agro.store import stac
from agro.store.index import opened
from agro.store.publish import publish, writing
from flows.settings import Settings, load

PASSWORD = "seven small horses"  # noqa: S105  of made people
PEOPLE = {"farmer": ["farm-a"], "agronomist": ["farm-a", "farm-b"], "ministry": [], "operator": []}


@dataclass
class World:
    """The portal over a small store; `tokens` by role, and those that let nobody in."""

    app: FastAPI
    settings: Settings
    tokens: dict[str, str]

    def client(self, **kwargs: object) -> TestClient:
        return TestClient(self.app, raise_server_exceptions=False, follow_redirects=False, **kwargs)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two passes over a field of each farm, a prescription and a board."""
    root = tmp_path_factory.mktemp("portal")
    made = build_catalog(root, [Scene("a"), Scene("b", when="2021-07-11T05:00:00Z")])
    fields = gpd.read_file(made.fields).assign(farm_id=["farm-a", "farm-b"], crop="барли")
    fields.assign(crop=None).to_file(made.fields, driver="GeoJSON", COORDINATE_PRECISION=9)
    run_plain(load("stac", made.overrides(root / "store")))
    with writing(root / "store") as place, opened(place) as index:
        for name, content in (("west", b"{}"), ("east", b"{}")):
            about = {
                "agro:field_id": name,
                "agro:farm": {"west": "farm-a", "east": "farm-b"}[name],
                "agro:season": 2021,
            }
            assets = {"zones": {"href": "zones.geojson", "type": "application/geo+json"}}
            properties = {"datetime": "2021-07-12T00:00:00Z", **about}
            item = stac.item(f"rx-{name}", None, properties, assets)
            index.add(publish(place, f"prescriptions/{name}/one", {"zones": content}, item))
        row = {"crop": "barley", "district": "topki", "yield_t_ha": 2.5, "low_t_ha": 2.0, "high_t_ha": 3.0, "why": None}
        words = {"names": {"ru": {"barley": "=ячмень"}, "en": {}}, "rows": [row], "words": {}}
        content = {"words": json.dumps(words).encode(), "html": b"<p>", "xlsx": b"PK", "pdf": b"%PDF", "png": b"PNG"}
        assets = {name: {"href": f"board.{name}", "type": "text/plain"} for name in content}
        about = {"agro:as_of": "2021-07-12", "agro:season": 2021, "agro:simulated": False, "agro:parents": []}
        item = stac.item("board", None, {"datetime": "2021-07-12T23:59:59Z", **about}, assets)
        index.add(publish(place, "boards/20210712--one", content, item))
    return root / "store"


def _world(store: Path, folder: Path, *overrides: str) -> World:
    settings = load("stac", [f"store.path={store}", f"portal.path={folder}", "portal.database=", *overrides])
    app = create_app(settings)
    accounts = app.state.accounts
    tokens = {}
    for role, farms in PEOPLE.items():
        person = accounts.add(role, role, PASSWORD, farms)
        tokens[role] = accounts.give_key(person.person_id, "token", "read", "test", 1)
    tokens["expired"] = accounts.give_key(person.person_id, "token", "read", "test", -1)
    tokens["tampered"] = tokens["farmer"][:-1] + ("A" if tokens["farmer"][-1] != "A" else "B")
    app.state.shelf.take_rows()
    return World(app, settings, tokens)


@pytest.fixture(scope="session")
def world(store: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """For tests that change nothing."""
    return _world(store, tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def strict(store: Path, tmp_path: Path) -> World:
    """Of one's own, with tight limits."""
    return _world(store, tmp_path / "own", "portal.requests_a_minute=60", "portal.failed_logins=3", "portal.body_mb=1")


@pytest.fixture
def farmer(world: World) -> Iterator[TestClient]:
    """The farmer's program."""
    client = world.client(headers={"Authorization": f"Bearer {world.tokens['farmer']}"})
    with client:
        yield client
