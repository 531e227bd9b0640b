"""Work that takes longer than a page may: each piece in a process of its own, told of in a row of the database."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from agro.domain.errors import BadInput, Refusal
from agro.portal.shelf import Shelf
from agro.store.work import DONE, FAILED, RUNNING, Works
from flows.settings import Settings

_LONGEST_S = 1800.0  # [s] then a piece is stopped
_LOOK_S = 1.0
_WAIT_S = 600  # [s] that a prescription waits for a run that writes
_STOPPED = Refusal("WORK-STOPPED", "the work was stopped before it ended", "start it again")


class Workshop:
    """The pieces of one portal: one at a time a field, two at a time in all."""

    def __init__(self, settings: Settings, works: Works, shelf: Shelf) -> None:
        self._settings, self._works, self._shelf = settings, works, shelf
        self._places = threading.BoundedSemaphore(2)
        works.end_orphans({"refusals": [asdict(_STOPPED)]})

    def prescribe(self, field_id: str, person: str, asked: dict[str, Any]) -> str:
        """Begin a prescription; the id of the piece of work. Raises BadInput where one of the field is under way."""
        newest = self._works.newest(field_id, "prescription")
        if newest is not None and newest.state == RUNNING:
            raise BadInput("WORK-RUNNING", "a prescription of {met} is being worked out already", "wait until it ends", met=field_id)  # fmt: skip  # noqa: E501
        work_id = self._works.begin(field_id, "prescription", person, {"seconds": 0})
        threading.Thread(target=self._run, args=(work_id, asked), daemon=True).start()
        return work_id

    def _run(self, work_id: str, asked: dict[str, Any]) -> None:
        began = time.monotonic()
        settings = self._settings.model_dump(mode="json")
        settings["store"]["wait_s"] = max(settings["store"]["wait_s"], _WAIT_S)
        order = json.dumps({"settings": settings, "request": asked})
        with self._places:
            made = subprocess.Popen(
                [sys.executable, "-m", "flows.asked_prescription"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            answer = ""
            hand: str | None = order
            while True:
                try:
                    answer, _ = made.communicate(hand, timeout=_LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    hand = None
                    self._works.tell(work_id, {"seconds": round(time.monotonic() - began)})
                    if time.monotonic() - began > _LONGEST_S:
                        made.kill()
        try:
            told = json.loads(answer.splitlines()[-1])
        except (ValueError, IndexError):
            told = {"results": [], "refusals": [asdict(_STOPPED)]}
        self._shelf.refresh()
        self._works.tell(work_id, told, DONE if told["results"] else FAILED)
