"""Runs what it is told in forked children, in which the shim lets one call go wrong. Started under LD_PRELOAD.

Reads one JSON object a line from standard input, {"who", "overrides" or "ready", "root", "n", "mode"}, and answers
with one a line: {"status", "seen", "codes", "done"}. With "here" it is run in this process, for the children to start
warm.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import dask.threaded
from faults.naive import publish_in_place
from workshop import run_plain

from agro.domain.errors import AgroError
from flows.settings import load


def _work(told: dict[str, Any]) -> dict[str, Any]:
    """What a child does: the codes of what was refused, and how many passes were done."""
    if told["who"] == "naive":
        try:
            publish_in_place(Path(told["ready"]), Path(told["root"]))
            return {"codes": [], "done": 1}
        except Exception as error:
            return {"codes": [type(error).__name__], "done": 0}
    try:
        ran = run_plain(load("stac", told["overrides"]))
        return {"codes": sorted({refusal.code for refusal in ran.refused.values()}), "done": len(ran.done)}
    except AgroError as error:
        return {"codes": [error.refusal.code], "done": 0}
    except Exception as error:
        return {"codes": [f"UNEXPECTED {type(error).__name__}: {error}"], "done": 0}


def _in_a_child(told: dict[str, Any], shim: ctypes.CDLL) -> dict[str, Any]:
    out, answer = os.pipe()
    child = os.fork()
    if child == 0:
        dask.threaded.default_pool = None  # its threads did not come along
        dask.threaded.pools.clear()
        shim.fi_arm(told["root"].encode(), ctypes.c_long(told["n"]), told["mode"])
        did = _work(told)
        os.write(answer, json.dumps({**did, "seen": shim.fi_seen()}).encode())
        os._exit(0)
    os.close(answer)
    with os.fdopen(out, "rb") as read:
        did = json.loads(read.read() or b'{"codes": [], "done": 0, "seen": 0}')
    return {**did, "status": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}


if __name__ == "__main__":
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    for line in sys.stdin:
        told = json.loads(line)
        did = {**_work(told), "seen": 0, "status": 0} if told.pop("here", False) else _in_a_child(told, shim)
        print(json.dumps(did), flush=True)
