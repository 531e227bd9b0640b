"""A prescription that a page asked for: `python -m flows.asked_prescription`, the order on the standard input.

The order is JSON: `settings` as they are, and `request` with the names of `Request`. The answer is one line of JSON:
`results`, the places of what was made, and `refusals`.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from agro.domain.errors import AgroError
from flows.advice_office import Request
from flows.orchestra import prepare
from flows.settings import Settings


def answered(order: dict[str, Any]) -> dict[str, Any]:
    """What came of an order."""
    from flows.before_sowing import prescribe

    wanted: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in order["request"].items()}
    try:
        done = prescribe(Settings(**order["settings"]), Request(**wanted))
    except AgroError as error:
        return {"results": [], "refusals": [asdict(error.refusal)]}
    refusals = [one for one in (*done.nothing, *done.failed) if one.field_id in (None, *wanted["field_ids"])]
    return {"results": [one.place for one in done.results], "refusals": [asdict(one) for one in refusals]}


if __name__ == "__main__":
    prepare()
    print(json.dumps(answered(json.load(sys.stdin)), default=str))
