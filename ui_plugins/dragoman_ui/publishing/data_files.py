"""Data of a site in script files, as pages that are opened from a folder can't fetch any other.

A file is one call, `published("NAME", "...")`: the bytes, deflated (RFC 1951) and in Base64 (RFC 4648), so that no text
of others stands in a script. A browser unpacks it with its own `DecompressionStream`.
"""

import json
import zlib
from base64 import b64encode
from typing import Any

LEVEL = 9
"""Level of the compression: sites are read more often than written."""


def script(name: str, data: bytes) -> str:
    """The script file that holds some bytes under a name of ours."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    return f'published({json.dumps(name)}, "{b64encode(packed).decode()}");\n'


def json_bytes(value: Any) -> bytes:
    """A value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
