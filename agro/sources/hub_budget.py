"""What may be asked of a paid service in a month, kept on disk across runs and processes: never overspent."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agro.domain.errors import BadInput, SourceDown


@dataclass(frozen=True)
class Reserved:
    """Processing units set aside for one request, and of which month."""

    month: str
    units: float


@dataclass(frozen=True)
class Budget:
    """The monthly budget of one account, and the folder in which is written what was spent."""

    folder: Path
    account: str
    monthly_units: float
    monthly_requests: int

    def reserve(self, units: float) -> Reserved:
        """Set aside what a request may cost, before it is sent. Raises SourceDown where the month has not that much."""
        month = f"{datetime.now(UTC):%Y-%m}"
        with self._open(month) as spent:
            if spent["units"] + units > self.monthly_units or spent["requests"] + 1 > self.monthly_requests:
                raise SourceDown(
                    "HUB-BUDGET",
                    "the budget of {month} is spent: {spent} of {units} processing units, {requests} of {most} requests"
                    "; the next request costs {cost}",
                    "wait for the next month; raise hub.monthly_units and hub.monthly_requests if the account has more",
                    month=month,
                    spent=round(spent["units"], 3),
                    units=self.monthly_units,
                    requests=int(spent["requests"]),
                    most=self.monthly_requests,
                    cost=round(units, 3),
                )
            spent["units"] += units
            spent["requests"] += 1
        return Reserved(month, units)

    def settle(self, reserved: Reserved, units: float) -> None:
        """Write down what the request did cost, in place of what was set aside."""
        with self._open(reserved.month) as spent:
            spent["units"] = max(spent["units"] + units - reserved.units, 0.0)

    @contextmanager
    def _open(self, month: str) -> Iterator[dict[str, float]]:
        """What was spent in a month, for one process at a time; changes are on disk when it is left."""
        path = self.folder / f"spent-{month}-{self.account}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f".{self.account}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                spent = _read(path)
                before = dict(spent)
                yield spent
                if spent != before:
                    _write(path, spent)
        except OSError as error:
            raise SourceDown(
                "HUB-LEDGER",
                "{where}: what was spent cannot be written down ({met}), so nothing is asked",
                "give a folder that can be written with --set hub.ledger=DIR",
                where=str(path),
                met=str(error),
            ) from None


def _read(path: Path) -> dict[str, float]:
    try:
        rows = json.loads(path.read_text())
        return {name: float(rows[name]) for name in ("units", "requests")}
    except FileNotFoundError:
        return {"units": 0.0, "requests": 0.0}
    except (ValueError, TypeError, KeyError):
        raise BadInput(
            "HUB-LEDGER-TORN",
            "{where}: does not say what was spent this month",
            "write units and requests into it as the service's dashboard shows them",
            where=str(path),
        ) from None


def _write(path: Path, spent: dict[str, float]) -> None:
    filling = path.with_suffix(".filling")
    with filling.open("w") as file:
        file.write(json.dumps(spent))
        file.flush()
        os.fsync(file.fileno())
    filling.replace(path)
