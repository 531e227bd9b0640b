"""A writer of ISO 11783-10 time logs for the tests: the header, the records, and the task data around them."""

import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

_EPOCH = datetime(1980, 1, 1)
_STORED = {"A": ("i", 1e-7), "B": ("i", 1e-7), "C": ("i", 1e-3), "D": ("B", 1), "E": ("H", 0.1), "F": ("H", 0.1), "G": ("B", 1), "H": ("I", 1), "I": ("H", 1)}  # fmt: skip

Record = tuple[datetime, dict[str, float], dict[int, int]]  # clock, position by attribute, changed values by number


def header(values: Sequence[tuple[int, str]], position: str = "ABCD", constants: str = "") -> bytes:
    """TLG*.XML: `position` names the attributes in the records, `constants` are further ones as they are written."""
    ptn = " ".join(f'{name}=""' for name in position)
    dlv = "".join(f'<DLV A="{ddi:04X}" B="" C="{element}"/>' for ddi, element in values)
    return f'<?xml version="1.0" encoding="UTF-8"?><TIM A="" D="4"><PTN {ptn} {constants}/>{dlv}</TIM>'.encode()


def content(records: Sequence[Record], position: str = "ABCD") -> bytes:
    """TLG*.BIN."""
    out = bytearray()
    for clock, where, changed in records:
        since = clock - _EPOCH
        out += struct.pack("<IH", since.seconds * 1000 + since.microseconds // 1000, since.days)
        for name in position:
            kind, step = _STORED[name]
            out += struct.pack(f"<{kind}", round(where[name] / step))
        out += struct.pack("<B", len(changed))
        for number, value in changed.items():
            out += struct.pack("<Bi", number, value)
    return bytes(out)


def task_data(
    folder: Path, values: Sequence[tuple[int, str]], records: Sequence[Record], crop: str = "пшеница"
) -> Path:
    """A TASKDATA folder with one finished task and its log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "TLG00001.XML").write_bytes(header(values))
    (folder / "TLG00001.BIN").write_bytes(content(records))
    (folder / "TASKDATA.XML").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><ISO11783_TaskData VersionMajor="4" VersionMinor="3" '
        'DataTransferOrigin="2"><CTP A="CTP1" B="' + crop + '"/><PFD A="PFD1" C="Поле" D="80000" G="CTP1"/>'
        '<TSK A="TSK1" B="Уборка" E="PFD1" G="4"><TLG A="TLG00001"/></TSK></ISO11783_TaskData>',
        encoding="utf-8",
    )
    return folder
