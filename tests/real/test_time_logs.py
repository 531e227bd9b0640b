import zipfile
from pathlib import Path

from agro.sources.time_log import decode


def test_a_terminal_of_topcon_as_another_reader_reads_it(real: Path) -> None:
    with zipfile.ZipFile(real / "isoxml" / "isoxml-js" / "data" / "2021-04-09T15_33_26_taskdata.zip") as archive:
        log = decode(archive.read("TASKDATA/TLG00001.XML"), archive.read("TASKDATA/TLG00001.BIN"), "TLG00001")
    rows = log.records
    box = [rows["lon_deg"].min(), rows["lat_deg"].min(), rows["lon_deg"].max(), rows["lat_deg"].max()]
    assert len(rows) == 207 and not log.refused
    assert [round(edge, 7) for edge in box] == [9.5777866, 45.5277534, 9.5779409, 45.5278066]
    assert str(rows["clock"].iloc[0]) == "2021-04-09 14:54:04.969000"


def test_logs_of_255_values_to_their_last_byte(real: Path) -> None:
    with zipfile.ZipFile(real / "isoxml" / "isoxml-dotnet" / "ExternalFiles" / "AFE.zip") as archive:
        for number in (1, 2, 3):
            name = f"SingleLayer_TASKDATA/TLG0000{number}"
            log = decode(archive.read(f"{name}.XML"), archive.read(f"{name}.BIN"), name)
            assert len(log.records) == 3633 and not log.refused
