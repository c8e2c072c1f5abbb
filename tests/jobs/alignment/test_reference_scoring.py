"""Likelihood of a grid's references after each instruction: computed once, stored, and what a plain script says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from dragoman.instructions.variants import family_of
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.alignment_records import LikelihoodRecord, Likely
from dragoman.store.store import Store
from dragoman_jobs.alignment.reference_scoring import LikelihoodRun, Scored
from dragoman_jobs.alignment.subjects import subjects
from dragoman_jobs.cluster.base import Cluster
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.testing import LocalCluster

Score = Callable[..., Scored]


@contextmanager
def here() -> Iterator[Cluster]:
    yield LocalCluster()


@contextmanager
def nowhere() -> Iterator[Cluster]:
    raise AssertionError("no cluster is needed")
    yield LocalCluster()


@pytest.fixture
def score(open_store: Callable[[], Store], quiet: ProgressDisplay) -> Score:
    """Computes the likelihoods of a grid's models, and returns what was done."""

    def run(plan: Plan, *models: str, connect: Any = here) -> Scored:
        store, chosen, grid = open_store(), Settings(), plan.spec.name
        found = subjects(plan, store, chosen, models)
        run = LikelihoodRun(store, chosen, grid, family_of(store, grid), test_set=None, progress=quiet)
        return run.run(found.chosen, connect)

    return run


def likelihood(store: Store, plan: Plan, pair: Pair, instruction: Any) -> LikelihoodRecord:
    prompt = family_of(store, plan.spec.name).variants[instruction]
    content = plan.first.contents[pair]
    (found,) = store.likelihood.read([Likely(model=plan.base.id, pair=pair, content=content, prompt=prompt.id)])
    return found


def test_each_is_computed_once(make_grid: Callable[..., Plan], score: Score) -> None:
    plan = make_grid(languages=["en", "de", "fr"], evaluation={"sentences": 4, "metrics": ["bleu"]})
    assert score(plan) == Scored(scored=2 * 6 * 3, known=0)
    assert score(plan, connect=nowhere) == Scored(scored=0, known=36)
    other = make_grid("other", models=[], languages=["fr", "de", "en"], evaluation={
        "sentences": 4, "metrics": ["bleu"], "prompts": ["mfti", {"template": "mfti", "instruction": "none"}],
    })  # fmt: skip
    assert score(other, connect=nowhere) == Scored(scored=0, known=18), "the same model, prompts and lines"


def test_likelihoods_are_those_of_a_plain_script(
    make_grid: Callable[..., Plan], score: Score, open_store: Callable[[], Store]
) -> None:
    plan = make_grid(models=[], languages=["en", "de", "fr"], evaluation={"sentences": 5, "metrics": ["bleu"]})
    score(plan)
    store, pair = open_store(), Pair("de", "en")
    tokenizer = AutoTokenizer.from_pretrained(plan.spec.base.model)
    model = AutoModelForCausalLM.from_pretrained(plan.spec.base.model).eval()
    for instruction, template in (
        ("right", "[German]: {} [English]:"), ("none", "{}"), ("wrong", "[German]: {} [French]:"),
    ):  # fmt: skip
        found = likelihood(store, plan, pair, instruction)
        expected = []
        for source, reference in [located.segment for located in plan.first.lines.located(pair)]:
            prompt = template.format(source)
            begun = len(tokenizer(prompt).input_ids)
            whole = tokenizer(f"{prompt} {reference}", return_tensors="pt").input_ids
            with torch.no_grad():
                told = model(whole).logits[0].log_softmax(dim=-1)
            row = [float(told[at - 1, whole[0, at]]) for at in range(begun, whole.shape[1])]
            expected.append((sum(row), len(row)))
        np.testing.assert_allclose(unpack(found.of_lines), expected, rtol=1e-4)
        assert found.lines == 5 and found.tokens == sum(count for _, count in expected)
        assert found.log_probability == pytest.approx(sum(value for value, _ in expected), rel=1e-4)


def test_a_pair_without_a_third_language_has_no_wrong_instruction(make_grid: Callable[..., Plan], score: Score) -> None:
    plan = make_grid(models=[], languages=["en", "de"], evaluation={"sentences": 3, "metrics": ["bleu"]})
    assert score(plan) == Scored(scored=4, known=0, without_wrong=2)
