"""XML that somebody sent: without a document type, without entities, within limits."""

from xml.etree import ElementTree as xml

from agro.domain.errors import BadInput, TornFile
from agro.sources.guard import LARGEST_TEXT_BYTES


class _NoDoctype(xml.TreeBuilder):
    """Builds the tree, and stops at a document type before anything that it declares."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def doctype(self, *_: str | None) -> None:
        """Called by the parser at `<!DOCTYPE`."""
        raise BadInput(
            "XML-DTD",
            "{where}: has a document type (DTD), which may draw in other files",
            "remove it; honest task data have none",
            where=self._where,
        )


def parsed(content: bytes, where: str) -> xml.Element:
    """The root element. Raises BadInput, TornFile."""
    if len(content) > LARGEST_TEXT_BYTES:
        raise BadInput(
            "FILE-TOO-LARGE",
            "{where}: larger than {limit} MB",
            "split the file",
            where=where,
            limit=LARGEST_TEXT_BYTES // 1_000_000,
        )
    parser = xml.XMLParser(target=_NoDoctype(where))  # noqa: S314  the builder refuses document types
    try:
        parser.feed(content)
        root: xml.Element = parser.close()
        return root
    except (xml.ParseError, ValueError, LookupError) as error:
        raise TornFile(
            "XML-TORN",
            "{where}: no sound XML ({met})",
            "copy it again, or export it again",
            where=where,
            met=str(error)[:120],
        ) from None
