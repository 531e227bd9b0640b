"""The roof for hands: `agro ...`, a thin door to the flows. Heavy things are imported inside commands."""

import typer

from agro.cli import (
    care,
    composites,
    forecasts,
    harvest,
    ingest,
    land,
    maps,
    outlook,
    people,
    prescriptions,
    runs,
    store,
    terminals,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Satellite passes to agromaps of fields.",
)
export_app = typer.Typer(no_args_is_help=True, help="Write what is published into one file.")
task_data_app = typer.Typer(no_args_is_help=True, help="Task data (ISOXML) of terminals.")
person_app = typer.Typer(no_args_is_help=True, help="People of the portal.")
store_app = typer.Typer(no_args_is_help=True, help="Look after the store.")

for command in (
    runs.run,
    runs.review,
    runs.watch,
    runs.serve,
    ingest.ingest,
    composites.composite,
    maps.show,
    maps.sheet,
    maps.maps,
    prescriptions.prescribe,
    harvest.yields,
    forecasts.forecast,
    forecasts.train,
    forecasts.score,
    outlook.outlook,
    land.land,
    land.crops,
    care.doctor,
    care.backup,
    care.restore,
):
    app.command()(command)
app.add_typer(export_app, name="export")
export_app.command("fieldstats")(maps.export_fieldstats)
export_app.command("prescription")(terminals.export_prescription)
app.command()(terminals.applied)
app.command()(terminals.terminals)
app.add_typer(task_data_app, name="task-data")
task_data_app.command("read")(terminals.task_data_read)
app.add_typer(person_app, name="person")
person_app.command("add")(people.add)
person_app.command("list")(people.list_)
person_app.command("password")(people.password)
person_app.command("remove")(people.remove)
person_app.command("token")(people.token)
app.add_typer(store_app, name="store")
store_app.command("reindex")(store.store_reindex)
store_app.command("verify")(store.store_verify)


def main() -> None:
    """The `agro` command."""
    app()
