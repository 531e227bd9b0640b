"""Questions that nobody thought of, made from the API's own description: no 5xx, every refusal a problem in detail.

AGRO_FUZZ sets how many are tried of each route; `make fuzz` asks for many.
"""

import os

import schemathesis
from conftest import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MANY = int(os.environ.get("AGRO_FUZZ", "1"))


def test_every_route_withstands_any_question(world: World) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", world.app)
    operations = [one.ok() for one in schema.get_all_operations()]
    questions = [one.as_strategy() for one in operations]
    asked: list[str] = []
    with world.client() as client:

        @given(st.data())
        @settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
        def ask(data: st.DataObject) -> None:
            for one, question in zip(operations, questions, strict=True):
                case = data.draw(question)
                who = data.draw(st.sampled_from(["agronomist", "ministry", "operator"]))
                told = case.as_transport_kwargs(base_url="http://testserver")
                told["headers"] = {"Authorization": f"Bearer {world.tokens[who]}"}
                told.pop("cookies", None)
                answer = client.request(**told)
                asked.append(one.label)
                assert answer.status_code < 500, (case.as_curl_command(), answer.text)
                if answer.status_code >= 400:
                    assert answer.json()["detail"] and answer.json()["status"] == answer.status_code

        ask()
    assert len(set(asked)) == len(operations) > 20
