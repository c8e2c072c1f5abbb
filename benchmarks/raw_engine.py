"""CTranslate2 alone, in one process: some prompts to texts, for `evaluate.py`.

    python benchmarks/raw_engine.py MODEL PROMPTS OUT MAX_NEW_TOKENS

MODEL is what the ctranslate2 engine has prepared, PROMPTS a JSON list of strings. The prompts are decoded all in one
call as one batch, then in one call that makes batches of 4,096 tokens of them; OUT gets seconds and texts of both.
"""

import json
import sys
import time
from pathlib import Path

import ctranslate2

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.tokenization import PromptTokenizer

WAYS = {"raw engine, one batch": 0, "raw engine, batches": 4096}
"""Tokens of a batch, where there are several."""

WARMING = 50
"""Prompts that are decoded first, not counted."""


def main() -> None:
    """Decode both ways."""
    prepared, prompts_file, out, max_new_tokens = sys.argv[1:]
    prompts, limit = json.loads(Path(prompts_file).read_text()), int(max_new_tokens)
    tokenizer = PromptTokenizer(Path(prepared), Decoding(max_new_tokens=limit))
    model = ctranslate2.Generator(str(Path(prepared) / "model"), device="cpu", inter_threads=1, intra_threads=1)

    def decoded(some: list[str], batch: int) -> list[str]:
        results = model.generate_batch(
            [[str(token) for token in ids] for ids in tokenizer.encode(some)],
            max_length=limit, include_prompt_in_result=False, beam_size=1, end_token=list(tokenizer.stop),
            max_batch_size=batch, batch_type="tokens" if batch else "examples",
        )  # fmt: skip
        return [tokenizer.hypothesis(result.sequences_ids[0]).text for result in results]

    decoded(prompts[:WARMING], max(WAYS.values()))
    found = {}
    for way, batch in WAYS.items():
        started = time.perf_counter()
        texts = decoded(prompts, batch)
        found[way] = {"seconds": time.perf_counter() - started, "texts": texts}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
