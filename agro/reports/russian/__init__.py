"""The Russian of every sentence that a farmer, an analyst or an operator reads. The key is the English one."""

from agro.reports.russian.agromaps import AGROMAPS
from agro.reports.russian.care import CARE
from agro.reports.russian.composites import COMPOSITES
from agro.reports.russian.features import FEATURES
from agro.reports.russian.forecasts import FORECASTS
from agro.reports.russian.harvest import HARVEST
from agro.reports.russian.ingest import INGEST
from agro.reports.russian.inputs import INPUTS
from agro.reports.russian.land import LAND
from agro.reports.russian.letters import LETTERS
from agro.reports.russian.maps import MAPS
from agro.reports.russian.outlook import OUTLOOK
from agro.reports.russian.output import OUTPUT
from agro.reports.russian.output_inputs import OUTPUT_INPUTS
from agro.reports.russian.portal import PORTAL
from agro.reports.russian.portal_pages import PORTAL_PAGES
from agro.reports.russian.prescriptions import PRESCRIPTIONS
from agro.reports.russian.runs import RUNS
from agro.reports.russian.services import SERVICES
from agro.reports.russian.terminals import TERMINALS

RUSSIAN: dict[str, str] = {
    **AGROMAPS,
    **CARE,
    **COMPOSITES,
    **FEATURES,
    **FORECASTS,
    **HARVEST,
    **INGEST,
    **INPUTS,
    **LAND,
    **LETTERS,
    **MAPS,
    **OUTLOOK,
    **OUTPUT,
    **OUTPUT_INPUTS,
    **PORTAL,
    **PORTAL_PAGES,
    **PRESCRIPTIONS,
    **RUNS,
    **SERVICES,
    **TERMINALS,
}
