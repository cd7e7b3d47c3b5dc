"""XML from strangers: no document types, no entities, nothing fetched, bounded in depth and number of elements."""

from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ErrorString

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from .draft import clean
from .refused import Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_DEPTH = 40
MAX_ELEMENTS = 2_000_000


class _Builder:
    """Builds the tree with local names only, so that every version of a message reads alike."""

    def __init__(self) -> None:
        from xml.etree.ElementTree import TreeBuilder

        self._tree = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> "Element":
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise Refused("file", f"more than {MAX_DEPTH} elements deep or {MAX_ELEMENTS} in all")
        return self._tree.start(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> "Element":
        self._depth -= 1
        return self._tree.end(tag.rpartition("}")[2])

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> "Element":
        return self._tree.close()


def parsed(data: bytes) -> "Element":
    """The root element, every tag without its namespace. Raises `Refused`."""
    parser: Any = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except ParseError as wrong:
        line, column = wrong.position
        raise Refused(f"line {line}, column {column + 1}", f"not XML: {ErrorString(wrong.code)}") from None
    except DefusedXmlException:
        raise Refused("file", "document types and entities are not accepted") from None
    except (ValueError, LookupError) as wrong:
        raise Refused("line 1", f"not XML: {clean(str(wrong), 100)}") from None
    return root
