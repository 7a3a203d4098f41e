"""What the Content-Disposition of a form's part says: its field, and the name that makes it a file."""

import re
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

# A header's parameters; one in quotes may contain semicolons.
_PARAMETER = re.compile(rb';\s*([^\s;=]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
# What browsers escape in a file name, and nothing else (WHATWG HTML, multipart/form-data).
_ESCAPED = re.compile("%(22|0D|0A)", re.IGNORECASE)


def names(disposition: bytes) -> tuple[str | None, str | None]:
    """Give the names of the field and of the file, None for one that is missing.

    ``filename*`` goes before ``filename`` (RFC 6266, 4.3): programs send it although forms must not use it
    (RFC 7578, 4.2), and the other beside it for those that cannot read it.
    """
    options = parse_options_header(disposition)[1]
    field = decoded(options[b"name"]) if b"name" in options else None
    found = (value for name, value in _PARAMETER.findall(disposition) if name.lower() == b"filename*")
    extended = next(found, None)
    if extended is not None and (filename := _of_extended(extended.strip().strip(b'"'))):
        return field, filename
    if b"filename" in options:
        plain = decoded(options[b"filename"])
        return field, _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), plain)
    return field, None if extended is None else ""


def decoded(raw: bytes) -> str:
    """Read a form's text, in UTF-8 or else in ISO-8859-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _of_extended(value: bytes) -> str:
    """Read ``charset'language'name`` (RFC 8187); '' for what is no such value."""
    charset, _, rest = value.partition(b"'")
    encoding = "latin-1" if charset.lower() == b"iso-8859-1" else "utf-8"
    return unquote_to_bytes(rest.partition(b"'")[2]).decode(encoding, "replace")
