"""A grid goes on from the spec the store has of it, unless its languages have other names today."""

from types import SimpleNamespace
from typing import cast

import pytest

from dragoman.errors import SpecError
from dragoman.store.store import Store
from dragoman_jobs.driver.resume_plan import planned_again


def test_a_grid_whose_languages_were_renamed_is_not_gone_on_with() -> None:
    spec = {
        "name": "older", "base": "facebook/xglm-564M", "languages": ["en", "ko-Hang"],
        "corpus": {"kind": "cldr", "options": {}},
    }  # fmt: skip
    store = SimpleNamespace(grid=lambda name: SimpleNamespace(name=name, spec=spec))
    with pytest.raises(SpecError, match=r"begun by an earlier version, .* \(now ko-Hang is ko\): its results stay"):
        planned_again(cast(Store, store), "older")
