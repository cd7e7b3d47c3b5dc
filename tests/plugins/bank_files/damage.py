"""Damage that files come to on their way: bytes changed, lost, doubled, lines exchanged."""

from hypothesis import strategies as st

HINTS = (
    *(
        b"R",
        b"C",
        b"D",
        b",",
        b".",
        b"-",
        b":",
        b"\n",
        b"\n-\n",
        b"\n:61:2611201120C9999,00NTRFNONREF\n",
        b"\n:20:X\n",
        b":62F:",
        b"?20",
    ),
    *(
        b"<",
        b">",
        b"&",
        b"<Ntry>",
        b"</Ntry>",
        b"<!--",
        b"-->",
        b"CRDT",
        b"PDNG",
        b"\x00",
        b"\xff",
        b"\xc3",
        b";",
        b'"',
        b"9",
        b"0",
        b"EUR",
    ),
)
Cut = tuple[str, float, float, bytes]
CUTS: st.SearchStrategy[Cut] = st.tuples(
    st.sampled_from(["byte", "drop", "insert", "double", "line", "swap", "end"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.one_of(st.sampled_from(HINTS), st.binary(min_size=1, max_size=4)),
)


def damaged(data: bytes, cut: Cut) -> bytes:
    """The file after one accident."""
    how, where, width, what = cut
    at = int(where * len(data))
    to = at + 1 + int(width * 40)
    lines = data.split(b"\n")
    line, other = int(where * len(lines)), int(width * len(lines))
    if how == "byte":
        return data[:at] + what[:1] + data[at + 1 :]
    if how == "drop":
        return data[:at] + data[to:]
    if how == "insert":
        return data[:at] + what + data[at:]
    if how == "double":
        return data[:to] + data[at:]
    if how == "line":
        return b"\n".join(lines[:line] + lines[line + 1 :])
    if how == "swap":
        lines[line], lines[other] = lines[other], lines[line]
        return b"\n".join(lines)
    return data[:at]
