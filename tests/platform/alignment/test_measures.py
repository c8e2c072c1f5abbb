"""Measures of alignment: planted spaces have the values they must have, and independent implementations agree.

The definitions followed by hand here are those of LASER (facebookresearch/LASER, source/xsim.py) and of Huh et al. 2024
(minyoungg/platonic-rep, metrics.py).
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dragoman.alignment.measures import FEWEST_LINES, Space, measured, mutual_knn_chance

LINES, WIDTH = 60, 24
Floats = NDArray[np.float32]


def made(seed: int, lines: int = LINES, width: int = WIDTH) -> Floats:
    return np.random.default_rng(seed).normal(size=(lines, width)).astype(np.float32)


def space(states: Floats, texts: list[str] | None = None) -> Space:
    return Space.of(states, texts or [str(number) for number in range(len(states))])


def test_the_same_space_is_aligned() -> None:
    x = made(1)
    for each in measured(space(x), space(x)):
        assert (each.retrieval, each.retrieval_centred, each.xsim_error, each.xsim_error_centred) == (1, 1, 0, 0)
        assert (each.mutual_knn, each.mutual_knn_centred) == (1, 1)
        assert each.cka == pytest.approx(1) and each.cka_unbiased == pytest.approx(1)


def test_a_rotated_space_has_the_same_shape_and_other_directions() -> None:
    x = made(2)
    turned = (x @ np.linalg.qr(made(3, WIDTH, WIDTH))[0]).astype(np.float32)
    there, _ = measured(space(x), space(turned))
    assert there.cka == pytest.approx(1, abs=1e-6) and there.cka_unbiased == pytest.approx(1, abs=1e-6)
    assert there.mutual_knn == 1 and there.mutual_knn_centred == 1
    assert there.retrieval < 0.2 and there.xsim_error > 0.8, "cosines across the two spaces mean nothing"


def test_a_shifted_space_is_aligned_once_it_is_centred() -> None:
    x = made(4)
    shift = 30 * np.sign(made(5, 1, WIDTH))
    there, back = measured(space(x), space(x + shift))
    for each in (there, back):
        assert (each.retrieval_centred, each.xsim_error_centred, each.mutual_knn_centred) == (1, 0, 1)
        assert each.cka == pytest.approx(1, abs=1e-5), "CKA does not see the shift"
    assert back.retrieval < 0.1, "whatever lies in the direction of the shift is nearest to every shifted sentence"
    assert back.xsim_error > back.xsim_error_centred + 0.03 and back.mutual_knn < 0.8


def test_a_shuffled_space_is_as_aligned_as_chance() -> None:
    x, rng = made(6), np.random.default_rng(7)
    own, found = space(x), []
    for _ in range(400):
        order = rng.permutation(LINES)
        fixed = float((order == np.arange(LINES)).mean())
        there, back = measured(own, space(x[order]))
        assert there.retrieval == back.retrieval == fixed, "only what stays at its place is found"
        found.append(there)
    first = found[0]
    assert first.retrieval_chance == pytest.approx(1 / LINES)
    assert first.xsim_chance == pytest.approx(1 - 1 / LINES)
    means = {name: float(np.mean([getattr(each, name) for each in found])) for name in first._fields}
    assert means["retrieval"] == pytest.approx(1 / LINES, abs=0.004)
    assert means["mutual_knn"] == pytest.approx(mutual_knn_chance(LINES), abs=0.005)
    assert first.cka_chance is not None and means["cka"] == pytest.approx(first.cka_chance, abs=0.003)
    assert means["cka_unbiased"] == pytest.approx(0, abs=0.006)


def test_equal_texts_are_right_whichever_is_found() -> None:
    x = made(8)
    y, texts = x.copy(), [str(number) for number in range(LINES)]
    y[1], texts[1] = y[0], texts[0]
    there, back = measured(space(x), space(y, texts))
    assert there.retrieval_chance == pytest.approx(((LINES - 2) + 4) / LINES**2)
    assert back.retrieval_chance == pytest.approx(1 / LINES)
    assert there.retrieval == pytest.approx(1 - 1 / LINES, abs=1 / LINES), "line 1 of x finds something else"
    swapped = measured(space(y, texts), space(y, texts))[0]
    assert swapped.retrieval == 1 and swapped.xsim_error == 0


def by_laser(x: Floats, y: Floats, k: int = 4) -> float:
    """The xsim error with margin "ratio", sentence by sentence."""
    x, y = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y))
    nearest = [sorted(range(len(y)), key=lambda j: -float(row @ y[j]))[:k] for row in x]
    around_x = [np.mean([float(x[i] @ y[j]) for j in nearest[i]]) for i in range(len(x))]
    around_y = [np.mean(sorted((float(x[i] @ y[j]) for i in range(len(x))), reverse=True)[:k]) for j in range(len(y))]
    wrong = 0
    for i in range(len(x)):
        scores = [float(x[i] @ y[j]) / ((around_x[i] + around_y[j]) / 2) for j in nearest[i]]
        wrong += nearest[i][int(np.argmax(scores))] != i
    return wrong / len(x)


def hsic(k: torch.Tensor, l: torch.Tensor, unbiased: bool) -> torch.Tensor:  # noqa: E741
    m = len(k)
    if not unbiased:
        h = torch.eye(m, dtype=k.dtype) - 1 / m
        return torch.trace(k @ h @ l @ h)
    k, l = k - torch.diag(k.diag()), l - torch.diag(l.diag())  # noqa: E741
    one = torch.ones(m, dtype=k.dtype)
    return (
        torch.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((m - 1) * (m - 2)) - 2 * (one @ k @ l @ one) / (m - 2)
    ) / (m * (m - 3))


def by_platonic_rep(x: Floats, y: Floats, unbiased: bool) -> float:
    k, l = (torch.tensor(each, dtype=torch.float64) @ torch.tensor(each, dtype=torch.float64).T for each in (x, y))  # noqa: E741
    return float(hsic(k, l, unbiased) / torch.sqrt(hsic(k, k, unbiased) * hsic(l, l, unbiased)))


def knn_by_platonic_rep(x: Floats, y: Floats, k: int = 10) -> float:
    near = []
    for each in (torch.tensor(x), torch.tensor(y)):
        unit = torch.nn.functional.normalize(each, dim=1)
        near.append((unit @ unit.T).fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :k])
    return float(np.mean([len(set(a.tolist()) & set(b.tolist())) / k for a, b in zip(*near, strict=True)]))


@pytest.mark.parametrize("noise", [0.2, 0.8, 3.0])
def test_independent_implementations_agree(noise: float) -> None:
    x = made(10) + 0.7
    y = (x[:, :20] @ made(11, 20, WIDTH) + noise * made(12) - 1.5).astype(np.float32)
    y = (0.5 * y + x).astype(np.float32)
    there, back = measured(space(x), space(y))
    centred = [(each - each.astype(np.float64).mean(axis=0)).astype(np.float32) for each in (x, y)]
    assert there.xsim_error == pytest.approx(by_laser(x, y))
    assert back.xsim_error == pytest.approx(by_laser(y, x))
    assert there.xsim_error_centred == pytest.approx(by_laser(*centred))
    cosines = [[float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for b in y] for a in x]
    assert there.retrieval == pytest.approx(float((np.argmax(cosines, axis=1) == np.arange(LINES)).mean()))
    assert back.retrieval == pytest.approx(float((np.argmax(cosines, axis=0) == np.arange(LINES)).mean()))
    assert there.cka == back.cka == pytest.approx(by_platonic_rep(x, y, unbiased=False))
    assert there.cka_unbiased == pytest.approx(by_platonic_rep(x, y, unbiased=True))
    assert there.cka == pytest.approx(by_platonic_rep(*centred, unbiased=False), abs=1e-5), "the same when centred"
    assert there.mutual_knn == back.mutual_knn == pytest.approx(knn_by_platonic_rep(x, y))
    assert there.mutual_knn_centred == pytest.approx(knn_by_platonic_rep(*centred))


def test_equal_representations_have_no_cka_and_no_measure_is_nan() -> None:
    flat = np.ones((LINES, WIDTH), np.float32)
    there, _ = measured(space(flat), space(made(1)))
    assert (there.cka, there.cka_chance, there.cka_unbiased) == (None, None, None)
    assert not any(np.isnan(value) for value in there if value is not None)
    empty = np.zeros((LINES, WIDTH), np.float32)
    assert not any(
        np.isnan(value) for each in measured(space(empty), space(flat)) for value in each if value is not None
    )


def test_too_few_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="11 representations"):
        space(made(1, FEWEST_LINES - 1))
    measured(space(made(1, FEWEST_LINES)), space(made(2, FEWEST_LINES)))
    with pytest.raises(ValueError, match="60 representations of 2 sentences"):
        space(made(1), ["a", "b"])
