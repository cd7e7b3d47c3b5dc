"""An MT940 or MT942 file taken apart into its statements and fields, each with the line where it begins.

The file is cut here and not by the library, because only so is the place known, nothing before, between or behind the statements
is taken for a part of them, and no two entries can run together.
"""

import codecs
import re
from typing import NamedTuple

from .draft import clean
from .refused import Refused

MAX_FIELD = 20_000
_TAG = re.compile(r":(13D?|20|21|25P?|28C?|34F?|60[FM]?|61|62[FM]?|64|65|86|90[CD]?|NS):(.*)")
_END = re.compile(r"-(?:\}.*|X{1,3})?\s*|\{[1-5]:.*")


class Field(NamedTuple):
    """One field: `value` may be of several lines; `line` is where it begins."""

    tag: str
    value: str
    line: int


class Statement(NamedTuple):
    """The fields from one `:20:` to the end of its message."""

    line: int
    fields: list[Field]

    def first(self, *tags: str) -> Field | None:
        """The first field of one of these tags."""
        return next((field for field in self.fields if field.tag in tags), None)


def statements(data: bytes) -> list[Statement]:
    """The statements of the file. Raises `Refused`."""
    found: list[Statement] = []
    open_ = False
    lines = _joined(_decoded(data).split("\n"))
    for number, line in lines:
        tag = _TAG.fullmatch(line)
        if tag is not None and tag[1] == "20":
            found.append(Statement(number, [Field("20", tag[2], number)]))
            open_ = True
        elif tag is not None and not open_:
            raise Refused(f"line {number}", f":{tag[1]}: outside of a statement, which begins with :20:")
        elif tag is not None:
            found[-1].fields.append(Field(tag[1], tag[2], number))
        elif _END.fullmatch(line):
            open_ = False
        elif open_ and line:
            found[-1].fields[-1] = _longer(found[-1].fields[-1], line)
    if not found:
        raise Refused("line 1", "there is no statement, which begins with :20:")
    return found


def _joined(lines: list[str]) -> list[tuple[int, str]]:
    """The lines with their numbers; a colon alone on a line is the beginning of the next one's tag."""
    joined: list[tuple[int, str]] = []
    for number, raw in enumerate(lines, 1):
        line = raw.strip("\r\x00\x01\x02\x03").rstrip()
        if joined and joined[-1][1] == ":":
            joined[-1] = (joined[-1][0], ":" + line)
        else:
            joined.append((number, line))
    return joined


def _longer(field: Field, line: str) -> Field:
    if len(field.value) + len(line) > MAX_FIELD:
        raise Refused(f"line {field.line}", f":{clean(field.tag, 3)}: is longer than {MAX_FIELD} characters")
    return field._replace(value=f"{field.value}\n{line}")


def _decoded(data: bytes) -> str:
    """Banks write UTF-8 or a Windows code page; an amount looks the same in all of them."""
    written = data.removeprefix(codecs.BOM_UTF8)
    for encoding in ("utf-8", "cp1252"):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return written.decode("latin-1")
