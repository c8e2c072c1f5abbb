"""spBLEU: BLEU over the pieces of one SentencePiece model for all languages, so that targets are tokenised alike."""

import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, ClassVar
from urllib.request import urlopen

from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.sacrebleu import Bleu

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as Scorer

_PATIENCE = 30
"""Seconds without a byte after which a download is given up."""


class SpBleu(Bleu):
    """spBLEU (Goyal et al., 2022) with the tokeniser of FLORES-200, which sacreBLEU keeps in its cache."""

    name: ClassVar[str] = "spbleu"
    tokenizer: ClassVar[str] = "flores200"
    """The tokeniser's name in sacreBLEU."""

    def _tokenizer(self) -> str:
        return self.tokenizer

    def _make_scorer(self) -> "Scorer":
        from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
        from sacrebleu.utils import SACREBLEU_DIR

        url = SPM_MODELS[self.tokenizer]["url"]
        path = Path(SACREBLEU_DIR, "models", Path(url).name)
        if not path.exists():
            _download(url, path)
        try:
            return super()._make_scorer()
        except (OSError, RuntimeError) as error:
            raise MetricNeedError(f"{path} is not a SentencePiece model ({error}): delete it and try again.") from error


class SpBleu101(SpBleu):
    """spBLEU with the tokeniser of FLORES-101, as older papers report it."""

    name: ClassVar[str] = "spbleu101"
    tokenizer: ClassVar[str] = "flores101"


def _download(url: str, path: Path) -> None:
    """Fetch a tokeniser as sacreBLEU would, but never wait for ever nor leave half a file to other processes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the address is a constant of sacreBLEU's
        with urlopen(url, timeout=_PATIENCE) as remote, NamedTemporaryFile(dir=path.parent, delete=False) as local:  # noqa: S310
            shutil.copyfileobj(remote, local)
        Path(local.name).replace(path)
    except OSError as error:
        raise MetricNeedError(
            f"spBLEU's tokeniser is not at {path}, where sacreBLEU looks for it, and could not be fetched from {url} "
            f"({error}): put the file there, or set SACREBLEU to the folder that holds models/{path.name}."
        ) from error
