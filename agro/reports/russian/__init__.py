"""The Russian of every sentence that a farmer, an analyst or an operator reads. The key is the English one."""

from agro.reports.russian.agromaps import AGROMAPS
from agro.reports.russian.composites import COMPOSITES
from agro.reports.russian.forecasts import FORECASTS
from agro.reports.russian.harvest import HARVEST
from agro.reports.russian.ingest import INGEST
from agro.reports.russian.inputs import INPUTS
from agro.reports.russian.letters import LETTERS
from agro.reports.russian.maps import MAPS
from agro.reports.russian.output import OUTPUT
from agro.reports.russian.prescriptions import PRESCRIPTIONS
from agro.reports.russian.runs import RUNS
from agro.reports.russian.terminals import TERMINALS

RUSSIAN: dict[str, str] = {
    **AGROMAPS,
    **COMPOSITES,
    **FORECASTS,
    **HARVEST,
    **INGEST,
    **INPUTS,
    **LETTERS,
    **MAPS,
    **OUTPUT,
    **PRESCRIPTIONS,
    **RUNS,
    **TERMINALS,
}
