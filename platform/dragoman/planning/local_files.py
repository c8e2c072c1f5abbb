"""The tokenizer and the configuration of a model, as far as they are on this machine. Nothing is downloaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dragoman.reading import read_json
from dragoman.spec.baseline import Baseline
from dragoman.spec.grid import Base

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class LocalFiles(NamedTuple):
    """What a model's files tell before it is loaded."""

    folder: Path
    """Where they are."""
    config: dict[str, Any]
    """Its `config.json`."""
    tokenizer: "Tokenizer"
    """Its `tokenizer.json`, which neither cuts nor pads."""


def local_files(named: Base | Baseline) -> LocalFiles | str:
    """The files of a model of a spec; why they can't be read, as a clause, where they can't."""
    if isinstance(named, Baseline) and named.engine == "openai":
        return "it is behind an endpoint, which tells when it is asked"
    folder = next(_folders(named), None)
    if folder is None:
        return "its tokenizer.json and config.json are not on this machine"
    try:
        from tokenizers import Tokenizer

        config = read_json(folder / "config.json")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except ModuleNotFoundError:  # comes with the extra `jobs`
        return "the package tokenizers is not installed here"
    except Exception:  # tokenizers raises plain exceptions
        return f"the tokenizer or the configuration in {folder} can't be read"
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return LocalFiles(folder, config, tokenizer)


def _folders(named: Base | Baseline) -> Iterator[Path]:
    """The folder of a model's tokenizer and configuration, if it is on this machine."""
    model = str(named.model)
    places = [Path(model) / "tokenizer.json"]
    if not Path(model).is_dir():
        try:
            from huggingface_hub import try_to_load_from_cache
        except ModuleNotFoundError:
            return
        cached = try_to_load_from_cache(model, "tokenizer.json", revision=named.revision)
        places = [Path(cached)] if isinstance(cached, str) else []
    yield from (place.parent for place in places if place.is_file() and place.with_name("config.json").is_file())
