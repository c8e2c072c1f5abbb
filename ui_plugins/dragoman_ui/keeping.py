"""Answers that are kept for as long as the store says the same, here and in the browser that asked."""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock

from flask import Response, request

from dragoman import __version__

_MOST = 128_000_000
"""Bytes of answers kept here; those of the largest grids take half a megabyte each, and ten as JSON."""

_LEAST = 1_000
"""Bytes from which an answer is worth compressing."""

_answers: OrderedDict[str, bytes] = OrderedDict()
_making: dict[str, Lock] = {}
"""Held by whoever makes an answer, so that those who ask for the same at once wait for it, and nobody else does."""


def kept(version: str, kind: str, make: Callable[[], bytes]) -> Response:
    """Answer with something that takes long to make.

    Args:
        version: what changes when it does, of the parts of the store it is made from.
        kind: its media type.
        make: makes it.
    """
    tag = sha256(f"{__version__}\0{version}\0{request.full_path}".encode()).hexdigest()[:32]
    if tag in request.if_none_match:
        response = Response(status=304)
    else:
        body = _answer(tag, make)
        response = Response(mimetype=kind)
        if request.accept_encodings.quality("gzip") and len(body) > _LEAST:
            body = _answer(f"{tag}.gz", lambda: gzip.compress(_answer(tag, make), compresslevel=1, mtime=0))
            response.content_encoding = "gzip"
        response.set_data(body)
    response.set_etag(tag)
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "private, no-cache"  # asked for each time, and not sent where it is the same
    return response


def _answer(key: str, make: Callable[[], bytes]) -> bytes:
    if (found := _answers.get(key)) is not None:
        return found
    try:
        with _making.setdefault(key, Lock()):
            if (found := _answers.get(key)) is None:
                found = _answers[key] = make()
                while len(_answers) > 1 and sum(map(len, list(_answers.values()))) > _MOST:
                    _answers.popitem(last=False)
    finally:
        _making.pop(key, None)
    return found
