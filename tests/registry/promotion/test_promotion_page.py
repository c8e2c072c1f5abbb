"""The page on promotion: its policy is one, and its commands run."""

import io
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from dragoman import settings as settings_module
from dragoman.cli import main as cli
from dragoman.spec.promotion import BOUNDS, Promotion
from dragoman_registry.finisher import register_and_promote
from dragoman_registry.registry_client.client import client_at

PAGE = (Path(__file__).parents[3] / "docs" / "promotion.md").read_text(encoding="utf-8")


def test_the_policy_on_the_page_has_every_kind_of_rule():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    policy = Promotion.model_validate({"model": "demo-translator", **yaml.safe_load(text)})
    assert {bound for rule in policy.rules for bound in BOUNDS if getattr(rule, bound) is not None} == set(BOUNDS)
    assert set(yaml.safe_load(text)) == set(Promotion.model_fields) - {"model", "signatures"}


def test_the_commands_on_the_page_run(world, monkeypatch, capsys):
    monkeypatch.setenv("DRAGOMAN_HOME", str(world.settings.home))
    register_and_promote(world.settings, "small", world.spec, {}, lambda _: None)
    client_at(world.settings.mlflow_url).delete_registered_model_alias("small-translator", "champion")
    Path("lines.txt").write_text("two hours\n\nthree days\n", encoding="utf-8")
    shown = re.findall(r"^\$ (.*)$", PAGE, flags=re.MULTILINE)
    assert len(shown) > 12
    for line in shown:
        words = shlex.split(line.replace("demo-translator", "small-translator").replace("gate demo", "gate small"))
        with monkeypatch.context() as patch:
            while "=" in words[0]:
                patch.setenv(*words.pop(0).split("=", 1))
            if "<" in words:
                patch.setattr(
                    sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(words.pop()).read_bytes()), encoding="utf-8")
                )
                words.remove("<")
            patch.setattr(sys, "argv", words)
            settings_module.settings.cache_clear()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        _, err = capsys.readouterr()
        # a gate that a model of the grid fails says so with 1; what made no sense would be 2
        assert ended.value.code in ((None, 0, 1) if line == "dragoman gate demo" else (None, 0)), (line, err)
    settings_module.settings.cache_clear()
