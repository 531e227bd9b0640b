"""The record of runs that nobody ended: their process is gone, and Prefect would call them running for ever."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed


def mark_crashed() -> int:
    """Mark the runs of deployments that are called running while no runner lives; how many there were.

    Call it before the runner starts: then whoever is called running is dead.
    """
    unended = FlowRunFilter.model_validate(
        {"state": {"type": {"any_": [StateType.RUNNING, StateType.CANCELLING, StateType.PENDING]}}}
    )
    with get_client(sync_client=True) as client:
        dead = [run for run in client.read_flow_runs(flow_run_filter=unended) if run.deployment_id is not None]
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process was gone at the next start"), force=True)
    return len(dead)
