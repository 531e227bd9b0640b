"""Task data of ISO 11783-10 from any terminal: what is readable is read, what is not is named.

Real exports seldom follow the schema: letters of file names vary, files that are named are missing, attributes are a
maker's own, numbers have more digits than allowed. None of this keeps the rest from being read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from agro.domain.errors import AgroError, BadInput, Refusal, TornFile
from agro.sources.archive import Files, files_of
from agro.sources.xml_tree import parsed

_MAIN = "taskdata.xml"


@dataclass(frozen=True)
class TaskData:
    """One set of task data: its root with external files merged in, the files beside it by lower-case name."""

    where: str
    root: Element
    files: Mapping[str, bytes]
    unread: list[Refusal] = field(default_factory=list)

    def of(self, reference: str | None) -> Element | None:
        """The top element with this id."""
        found = (one for one in self.root if reference and one.get("A") == reference)
        return next(found, None)

    def binary(self, name: str | None, suffix: str) -> bytes:
        """A file that an element names without its ending. Raises TornFile."""
        content = self.files.get(f"{name}{suffix}".lower())
        if content is None:
            raise TornFile(
                "TASK-FILE-MISSING",
                "{where}: the file {met} is named but not there",
                "export the task data again, or copy the whole folder",
                where=self.where,
                met=f"{name}{suffix}",
            )
        return content


def read(path: Path) -> TaskData:
    """The task data in a zip, a folder, or an XML file with what lies beside it. Raises BadInput, TornFile."""
    main = path.name.lower() if path.suffix.lower() == ".xml" else _MAIN
    return from_files(files_of(path), path.name, main)


def from_files(sent: Files, where: str, main: str = _MAIN) -> TaskData:
    """The task data in files by path: the main file nearest to the top and what lies beside it."""
    mains = sorted((path for path in sent.content if _name(path) == main), key=lambda path: path.count("/"))
    if not mains:
        raise BadInput(
            "TASK-NONE",
            "{where}: no TASKDATA.XML is in it; met {met}",
            "give the folder or the zip that the terminal wrote",
            where=where,
            met=", ".join(sorted(sent.content)[:5]) or "-",
        )
    folder = PurePosixPath(mains[0]).parent
    beside = {_name(path): content for path, content in sent.content.items() if PurePosixPath(path).parent == folder}
    data = TaskData(where, parsed(sent.content[mains[0]], f"{where}: {mains[0]}"), beside, list(sent.unread))
    data.unread.extend(_other(where, path) for path in mains[1:])
    _merge(data)
    _name_doubles(data)
    return data


def number(element: Element, attribute: str) -> float | None:
    """An attribute as a finite number; None where it is missing, empty or none."""
    try:
        value = float(element.get(attribute, ""))
    except ValueError:
        return None
    return value if isfinite(value) else None


def whole(element: Element, attribute: str, base: int = 10) -> int | None:
    """An attribute as a whole number; None where it is missing, empty or none."""
    try:
        return int(element.get(attribute, ""), base)
    except ValueError:
        return None


def named(element: Element | None, *attributes: str) -> str:
    """The text of attributes, one after the other; empty where there is no element."""
    return " ".join(text for name in attributes if element is not None and (text := element.get(name, "").strip()))


def _merge(data: TaskData) -> None:
    """Put the children of external files (XFR) where the main file has their names."""
    for reference in data.root.findall("XFR"):
        try:
            outer = parsed(data.binary(reference.get("A"), ".xml"), f"{data.where}: {reference.get('A')}.XML")
        except AgroError as error:
            data.unread.append(error.refusal)
            continue
        data.root.extend(list(outer))


def _name_doubles(data: TaskData) -> None:
    seen: set[str] = set()
    for element in data.root:
        own = element.get("A", "")
        if own in seen and element.tag not in ("XFR", "AFE"):
            data.unread.append(
                BadInput(
                    "TASK-ID-TWICE",
                    "{where}: the id {met} is given twice; the first one counts",
                    "export the task data again",
                    where=data.where,
                    met=own,
                ).refusal
            )
        seen.add(own)


def _name(path: str) -> str:
    return PurePosixPath(path).name.lower()


def _other(where: str, path: str) -> Refusal:
    return BadInput(
        "TASK-OTHER",
        "{where}: {met} is a second set of task data; only the first was read",
        "give it by itself",
        where=where,
        met=path,
    ).refusal
