"""What the looks of the doctor are called."""

from agro.domain.errors import Told

_LOOKS = (
    ("versions", Told("libraries", {})),
    ("disk", Told("disk", {})),
    ("memory", Told("memory and open files", {})),
    ("clock", Told("clock", {})),
    ("fonts", Told("fonts", {})),
    ("port", Told("port", {})),
    ("credentials", Told("credentials", {})),
    ("inputs", Told("files that the configuration names", {})),
    ("index", Told("index", {})),
    ("results", Told("results", {})),
)
NAMES = {name: told.text for name, told in _LOOKS}
