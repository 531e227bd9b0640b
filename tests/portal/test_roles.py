"""Each route of the API × each role × own, foreign, none, expired, tampered: made from the application's own routes."""

import re

import pytest
from conftest import PEOPLE, World
from fastapi import FastAPI

OWN, FOREIGN = "west", "east"  # of the farmer's farm, and of the other
FOR = {
    "fields": {"farmer", "agronomist"},
    "layers": {"farmer", "agronomist"},
    "downloads": {"farmer", "agronomist"},
    "outlook": {"ministry", "operator"},
    "operator": {"operator"},
    "background": set(PEOPLE),
    "me": set(PEOPLE),
}
OPEN = {"/health"}


def routes(app: FastAPI) -> list[tuple[str, str, str]]:
    """Path, method and tag of everything that the API describes."""
    told = app.openapi()["paths"].items()
    return [(path, method, own.get("tags", [""])[0]) for path, methods in told for method, own in methods.items()]


def filled(world: World, path: str, field_id: str) -> str:
    """A path whose ids are those of a field that exists."""
    shelf = world.app.state.shelf
    row = shelf.seen.outlines(None).row(field_id)
    shown = shelf.layers(row)[0]
    rx = shelf.seen.id_of(shelf.prescriptions(row)[0].place)
    ids = {"field_id": field_id, "result_id": shown.result_id, "layer": shown.layer, "prescription_id": rx}
    rest = {"z": "0", "x": "0", "y": "0", "name": "zones", "kind": "xlsx"}
    path = re.sub(r"{(\w+)}", lambda m: (ids | rest)[m[1]], path)
    return path + ("?lon=85.4&lat=55.03" if path.endswith("/value") else "")


def expected(path: str, tag: str, who: str, field_id: str) -> set[int]:
    if path in OPEN:
        return {200}
    if who in ("none", "expired", "tampered"):
        return {401}
    if who not in FOR[tag or "me"]:
        return {403}
    foreign = who == "farmer" and field_id == FOREIGN and "{field_id}" in path
    return {404} if foreign else {200, 204}


def test_the_table_of_roles(world: World) -> None:
    cells = 0
    with world.client() as client:
        for path, method, tag in routes(world.app):
            assert method == "get", path
            for who in ("farmer", "agronomist", "ministry", "operator", "none", "expired", "tampered"):
                headers = {} if who == "none" else {"Authorization": f"Bearer {world.tokens[who]}"}
                for field_id in (OWN, FOREIGN) if "{field_id}" in path else (OWN,):
                    got = client.get(filled(world, path, field_id), headers=headers)
                    assert got.status_code in expected(path, tag, who, field_id), (path, who, field_id, got.text[:200])
                    assert got.status_code < 400 or got.json()["detail"]
                    cells += 1
    assert cells > 200


def test_a_foreign_id_is_told_as_an_unknown_one_is(farmer) -> None:
    foreign, unknown = farmer.get(f"/api/v1/fields/{FOREIGN}"), farmer.get("/api/v1/fields/nobodys")
    assert foreign.json() | {"detail": ""} == unknown.json() | {"detail": ""} and foreign.status_code == 404


def test_a_session_is_no_token_and_a_token_no_session(world: World) -> None:
    with world.client(cookies={"agro_session": world.tokens["farmer"]}) as client:
        assert client.get("/api/v1/me").status_code == 401


def test_lists_hold_nothing_of_another_farm(world: World, farmer) -> None:
    listed = farmer.get("/api/v1/fields").json()
    assert [one["field_id"] for one in listed["items"]] == [OWN] and listed["total"] == 1
    assert "east" not in farmer.get("/api/v1/downloads/fields.geojson").text
    told = farmer.get("/api/v1/background/fields.geojson").json()["features"]
    assert [one["id"] for one in told] == [OWN]


@pytest.mark.parametrize("who", ["farmer", "ministry"])
def test_a_district_of_two_farms_has_no_ground(world: World, who: str) -> None:
    with world.client(headers={"Authorization": f"Bearer {world.tokens[who]}"}) as client:
        assert client.get("/api/v1/background/districts.geojson").json()["features"] == []


def test_what_was_taken_and_what_was_refused_is_on_record(world: World, farmer) -> None:
    farmer.get("/api/v1/downloads/fields.gpkg")
    farmer.get("/api/v1/outlook")
    lines = [(one["person"], one["what"], one["about"]) for one in world.app.state.audit.lines(10)]
    assert ("farmer", "download", "/api/v1/downloads/fields.gpkg") in lines
    assert ("farmer", "denied", "/api/v1/outlook") in lines
