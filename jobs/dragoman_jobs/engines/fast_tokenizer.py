"""Tokenizers of the `tokenizers` library, which needs neither torch nor transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from dragoman.errors import ModelError
from dragoman_jobs.engines.language_tokens import added_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def fast_tokenizer(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> Tokenizer:
    """The tokenizer as `tokenizers` runs it: what it is made of, or, for M2M-100, made from its pieces.

    Raises:
        ModelError: it is a slow tokenizer of another kind.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if isinstance(backend, Tokenizer):
        return backend
    if type(tokenizer).__name__ == "M2M100Tokenizer":
        return _from_pieces(tokenizer)
    raise ModelError(
        f"The tokenizer in {folder} is no fast one ({type(tokenizer).__name__}): use a model with a tokenizer.json."
    )


def _from_pieces(tokenizer: Any) -> Tokenizer:
    """M2M-100's SentencePiece model, whose pieces have other numbers in its vocab.json."""
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    # its own annotation says a tuple, and it returns a mapping
    pieces: Any = SentencePieceExtractor(str(tokenizer.spm_file)).extract(BPE)
    known = tokenizer.encoder
    merges = [(left, right) for left, right in pieces["merges"] if {left, right, left + right} <= known.keys()]
    backend = Tokenizer(BPE(vocab=known, merges=merges, unk_token=tokenizer.unk_token, fuse_unk=True))
    charsmap = pieces["_spm_precompiled_charsmap"]
    backend.normalizer = normalizers.Sequence(
        [*([normalizers.Precompiled(charsmap)] if charsmap else []), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    backend.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    for number, token in sorted(added_tokens(tokenizer).items()):
        backend.add_special_tokens([AddedToken(token, normalized=False, special=True)])
        if backend.token_to_id(token) != number:
            raise ModelError(
                f"The tokenizer in {tokenizer.name_or_path} numbers its token {token} {number}, which is not the next: "
                "save the model with the tokenizer it was trained with."
            )
    return backend
