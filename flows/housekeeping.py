"""The record of runs that nobody ended: their process is gone, and Prefect would call them running for ever."""

import os
import socket
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed


def mark_crashed(runner_lives: bool = False) -> int:
    """Mark the runs that are called running and are dead; how many there were.

    Dead is a run of `agro run` whose process is gone and, while no runner lives, every run of a deployment.
    """
    unended = FlowRunFilter.model_validate(
        {"state": {"type": {"any_": [StateType.RUNNING, StateType.CANCELLING, StateType.PENDING]}}}
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=unended)
        dead = [run for run in runs if (not runner_lives if run.deployment_id else _gone(run.tags))]
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process was gone at the next start"), force=True)
    return len(dead)


def tag_of_this_process() -> str:
    """What a run of `agro run` is tagged with, so that its death can be seen."""
    return f"process:{socket.gethostname()}:{os.getpid()}"


def _gone(tags: list[str]) -> bool:
    """Whether the process of this machine that the tags name is no more."""
    for tag in tags:
        kind, _, place = tag.partition(":")
        host, _, pid = place.rpartition(":")
        if kind == "process" and host == socket.gethostname():
            return not Path(f"/proc/{pid}").exists()
    return False
