"""Cache of responses, valid while the store is unchanged, in this process and, by ETags, in the browser."""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from flask import Response, request

from dragoman.version import __version__

_MOST = 128_000_000
"""Bytes of cached responses, compressed; those of the largest grids take half a megabyte each, and three as JSON."""

_LEAST = 1_000
"""Bytes from which a response is compressed."""


class _Answer(NamedTuple):
    """A cached response."""

    data: bytes
    """Its bytes."""
    is_compressed: bool
    """Whether they are compressed."""


_answers: OrderedDict[str, _Answer] = OrderedDict()
_making: dict[str, Lock] = {}
"""Locks by response: concurrent requests for the same response wait for one computation, others don't."""


def kept(version: str, kind: str, make: Callable[[], bytes]) -> Response:
    """Answer with something that takes long to compute, from the cache if it can.

    Args:
        version: changes whenever the response may.
        kind: its media type.
        make: computes it.
    """
    tag = sha256(f"{__version__}\0{version}\0{request.full_path}".encode()).hexdigest()[:32]
    if tag in request.if_none_match:
        response = Response(status=304)
    else:
        body, is_compressed = _answer(tag, make)
        response = Response(mimetype=kind)
        if is_compressed and request.accept_encodings.quality("gzip"):
            response.content_encoding = "gzip"
        elif is_compressed:
            body = gzip.decompress(body)
        response.set_data(body)
    response.set_etag(tag)
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "private, no-cache"  # revalidated each time, and not sent where it is unchanged
    return response


def _answer(key: str, make: Callable[[], bytes]) -> _Answer:
    if (found := _answers.get(key)) is not None:
        return found
    try:
        with _making.setdefault(key, Lock()):
            if (found := _answers.get(key)) is None:
                body = make()
                is_long = len(body) > _LEAST
                found = _Answer(gzip.compress(body, compresslevel=1, mtime=0) if is_long else body, is_long)
                _answers[key] = found
                while len(_answers) > 1 and sum(len(each.data) for each in list(_answers.values())) > _MOST:
                    _answers.popitem(last=False)
    finally:
        _making.pop(key, None)
    return found
