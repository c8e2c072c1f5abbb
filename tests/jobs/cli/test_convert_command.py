from collections.abc import Callable
from pathlib import Path

from transformers import AutoConfig
from typer.testing import CliRunner

from dragoman.plugins import load
from dragoman_jobs.cli.convert import convert


def test_the_command_line_knows_it() -> None:
    assert load("commands", "convert") is convert


def test_help_gives_an_example() -> None:
    result = CliRunner().invoke(convert, ["xglm-to-opt", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "dragoman convert xglm-to-opt facebook/xglm-564M" in result.output


def test_a_checkpoint_is_converted(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    out = tmp_path / "opt"
    result = CliRunner().invoke(convert, ["xglm-to-opt", str(tiny_model("xglm")), str(out)])
    assert result.exit_code == 0, result.output
    assert str(out) in result.output.replace("\n", "")
    assert AutoConfig.from_pretrained(out).model_type == "opt"
