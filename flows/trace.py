"""What nobody foresaw: the sentence for people, the traceback for us."""

import traceback
from datetime import UTC, datetime

from agro.domain.errors import Refusal
from flows.orchestra import home


def unexpected(error: BaseException, acquisition_id: str | None = None) -> Refusal:
    """A refusal that says so, and where the traceback was written."""
    log = home() / "unexpected.log"
    where = str(log)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            trace = "".join(traceback.format_exception(error))
            file.write(f"--- {datetime.now(UTC).isoformat()} {acquisition_id or ''}\n{trace}")
    except OSError:
        where = "-"
    return Refusal(
        "INTERNAL",
        "unexpected: {met}",
        "please report it with the end of {where}",
        {"met": f"{type(error).__name__}: {error}"[:200], "where": where},
        acquisition_id=acquisition_id,
    )
