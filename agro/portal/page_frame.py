"""What stands on every page round its content: the sections that a role has, and whether the data are simulated."""

from typing import Any

from fastapi import Request

from agro.reports.words import say

HOME = {"farmer": "/fields", "agronomist": "/fields", "ministry": "/board", "operator": "/operator"}


def frame_of(request: Request, language: str) -> dict[str, Any]:
    """`places()`: the sections, as (path, words); `simulated()`: whether a page must say that its data are made up."""

    def places() -> list[tuple[str, str]]:
        role = request.state.person.role
        if role in ("farmer", "agronomist"):
            return [("/fields", say("My fields", language)), ("/files", say("Files", language))]
        return [("/board", say("Board of districts", language))] if role == "ministry" else [("/operator", say("State of the system", language))]  # fmt: skip  # noqa: E501

    def simulated() -> bool:
        outlines = request.app.state.shelf.seen.of("outlines")
        return bool(outlines and outlines[-1].item["properties"].get("agro:simulated"))

    return {"places": places, "simulated": simulated}
