"""What happens, as Prefect's events: a flow tells it, the flows that depend on it start."""

from typing import Any

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.events import DeploymentEventTrigger, emit_event
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from agro.store.publish import digest
from flows.settings import Settings

FOUND, PUBLISHED = "agro.passes.found", "agro.passes.published"


def tell(occasion: str, settings: Settings, facts: dict[str, Any]) -> None:
    """Tell that something happened to the settings' store. What nobody hears is found by the next poll."""
    emit_event(occasion, resource={"prefect.resource.id": _resource(settings)}, payload=facts)


def when(occasion: str, settings: Settings, parameters: dict[str, Any]) -> DeploymentEventTrigger:
    """A trigger that starts a deployment on an occasion of this store."""
    return DeploymentEventTrigger(
        expect={occasion}, match={"prefect.resource.id": _resource(settings)}, parameters=parameters
    )


def start(name: str, parameters: dict[str, Any]) -> bool:
    """Schedule a run of a deployment for now. Unlike an event it cannot be lost.

    False where nobody serves it yet, or the server does not answer just now: call again.
    """
    try:
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name(name)
            client.create_flow_run_from_deployment(deployment.id, parameters=parameters, state=Scheduled())
    except (ObjectNotFound, HTTPError, RuntimeError):
        return False
    return True


def _resource(settings: Settings) -> str:
    return f"agro.store.{digest(str(settings.store.path))}"
