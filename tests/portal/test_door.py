"""What every request passes: log-in, forms, limits, headers; nothing hostile gets further than a sentence."""

import json
import re

import pytest
from conftest import PASSWORD, World

BIG = 10**9


def form(client, page: str = "/login") -> dict[str, str]:
    return {"form_token": re.search(r'name="form_token" value="(\w+)"', client.get(page).text)[1]}


def test_log_in_look_and_log_out(world: World) -> None:
    with world.client() as client:
        wrong = client.post("/login", data={**form(client), "name": "farmer", "password": "x"})
        assert wrong.status_code == 401 and "set-cookie" not in wrong.headers
        right = client.post("/login", data={**form(client), "name": "farmer", "password": PASSWORD, "next": "//evil"})
        assert right.status_code == 303 and right.headers["location"] == "/"
        cookie = right.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie
        assert client.get("/api/v1/me").json() == {
            "name": "farmer",
            "role": "farmer",
            "farms": ["farm-a"],
            "scope": "write",
        }
        assert client.post("/logout").status_code == 403  # without the form's token
        assert client.post("/logout", headers={"X-Form-Token": form(client)["form_token"]}).status_code == 303
        client.cookies.set("agro_session", right.cookies["agro_session"])
        assert client.get("/api/v1/me").status_code == 401


def test_a_form_from_elsewhere_changes_nothing(world: World) -> None:
    with world.client() as client:
        sent = {"name": "farmer", "password": PASSWORD}
        assert client.post("/login", data=sent).status_code == 403
        assert client.post("/login", data={**sent, "form_token": "0" * 64}).status_code == 403
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert client.post("/login", data={**sent, **form(client)}, headers=elsewhere).status_code == 403


def test_a_token_that_reads_may_not_write(world: World) -> None:
    with world.client(headers={"Authorization": f"Bearer {world.tokens['farmer']}"}) as client:
        answer = client.post("/logout")
        assert answer.status_code == 403
    line = world.app.state.audit.lines(1)[0]
    assert (line["person"], line["what"], line["about"]) == ("farmer", "denied", "/logout")


def test_guessing_is_stopped_for_the_name_only(strict: World) -> None:
    with strict.client() as client:
        for _ in range(3):
            assert client.post("/login", data={**form(client), "name": "farmer", "password": "x"}).status_code == 401
        held = client.post("/login", data={**form(client), "name": "farmer", "password": PASSWORD})
        assert held.status_code == 429 and int(held.headers["retry-after"]) > 0
        assert client.post("/login", data={**form(client), "name": "operator", "password": PASSWORD}).status_code == 303


def test_who_asks_too_often_waits_and_others_do_not(strict: World) -> None:
    headers = {who: {"Authorization": f"Bearer {strict.tokens[who]}"} for who in ("farmer", "operator")}
    with strict.client() as client:
        got = [client.get("/api/v1/me", headers=headers["farmer"]).status_code for _ in range(70)]
        assert got[:60] == [200] * 60 and 429 in got
        assert client.get("/api/v1/me", headers=headers["operator"]).status_code == 200


def test_a_body_is_refused_before_it_is_read(strict: World) -> None:
    def pieces():
        for _ in range(200):
            yield b"x" * 10_000

    with strict.client() as client:
        told = client.post("/login", content=b"", headers={"Content-Length": str(BIG)})
        assert told.status_code == 413 and "1 " in told.text
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/login", content=pieces(), headers=kind).status_code == 413
        assert client.post("/login", content=b"", headers={"Content-Length": "-5"}).status_code == 413


def test_what_a_browser_may_do_with_a_page(world: World) -> None:
    with world.client() as client:
        headers = client.get("/login").headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in client.get("/api/v1/me", headers={"Origin": "http://evil"}).headers
        assert "script" not in re.sub(r"<script src=[^>]*>", "", client.get("/login").text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/fields?page_size=1000000000", 422),
        ("/api/v1/fields?page=1000000000", 422),
        ("/api/v1/fields?page=-1", 422),
        ("/api/v1/fields?page=1000000", 200),
        ("/api/v1/fields?as_of=31.06.2026", 422),
        ("/api/v1/fields?as_of=9999-12-31", 422),
        ("/api/v1/fields?as_of=1971-01-01", 200),
        ("/api/v1/fields/west/layers/{one}/ndvi/tiles/99/0/0.png", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/tiles/3/9/0.png", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/tiles/3/-1/0.png", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/tiles/a/b/c.png", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/tiles/0/0/0.png?url=file:///etc/passwd", 204),
        ("/api/v1/fields/west/layers/{one}/nothing/tiles/0/0/0.png", 404),
        ("/api/v1/fields/west/layers/0000000000000000/ndvi/tiles/0/0/0.png", 404),
        ("/api/v1/fields/west/layers/..%2F..%2Fetc/ndvi/legend", 404),
        ("/api/v1/fields/west/layers/{one}/ndvi/value?lon=nan&lat=55", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/value?lon=inf&lat=55", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/value?lon=1e999&lat=55", 422),
        ("/api/v1/fields/west/layers/{one}/ndvi/value?lon=0&lat=0", 200),
        ("/api/v1/fields/%00", 404),
        ("/api/v1/fields/%E2%80%AEtsew", 404),
        ("/api/v1/fields/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 404),
        ("/api/v1/fields/" + "x" * 5000, 422),
        ("/api/v1/fields/%ff%fe", 404),
        ("/api/v1/fields/west'%20OR%201=1--", 404),
        ("/api/v1/fields/{{7*7}}", 404),
        ("/api/v1/fields/west/prescriptions/0000000000000000/files/..%2Fitem.json", 404),
        ("/api/v1/fields/west/prescriptions/0000000000000000/files/=HYPERLINK()", 422),
        ("/static/../people.py", 404),
        ("/static/..%2F..%2Fpeople.py", 404),
        ("/api/v1/background/hillshade/99/0/0.png", 422),
        ("/api/v1/background/hillshade/16/0/0.png", 204),
        ("/no/such/page", 404),
    ],
)
def test_strange_questions_end_in_a_sentence(world: World, farmer, path: str, status: int) -> None:
    row = world.app.state.shelf.seen.outlines(None).row("west")
    one = next(one for one in world.app.state.shelf.layers(row) if one.layer == "ndvi")
    answer = farmer.get(path.replace("{one}", one.result_id))
    assert answer.status_code == status, answer.text[:300]
    if status >= 400 and path.startswith("/api"):
        told = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["status"] == status and told["detail"] and told["remedy"] and told["code"].startswith("PORTAL-")
    assert b"<script>alert" not in answer.content or answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 403), ("DELETE", 403), ("PUT", 403), ("OPTIONS", 405), ("TRACE", 403)]
)
def test_methods_that_are_not_there(world: World, method: str, status: int) -> None:
    with world.client() as client:
        assert client.request(method, "/api/v1/fields").status_code in (status, 405)


def test_another_language_is_chosen_by_a_cookie(world: World) -> None:
    with world.client(cookies={"agro_language": "en"}) as client:
        assert "Log in" in client.get("/login").text
        assert "nobody is logged in" in client.get("/api/v1/me").json()["detail"]
    with world.client(cookies={"agro_language": "<script>"}) as client:
        assert "Вход" in client.get("/login").text


def test_a_fault_of_ours_is_told_without_its_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.app.state.shelf, "fields_of", lambda *_: 1 / 0)
    with world.client(headers={"Authorization": f"Bearer {world.tokens['farmer']}"}) as client:
        answer = client.get("/api/v1/fields")
        assert answer.status_code == 500 and "division" not in answer.text and json.loads(answer.text)["remedy"]


def test_health_is_told_to_anybody(world: World) -> None:
    with world.client() as client:
        assert client.get("/health").json() == {"status": "ok", "database": True, "store": True}
