"""LAMB against its formula, written out in NumPy. Against the authors' steps: see test_losses.py."""

import copy

import numpy as np
import pytest
import torch

from c2p_train.learn.optimizers import Lamb


def reference(weight: np.ndarray, gradients: np.ndarray, lr: float, decay: float) -> np.ndarray:
    """Steps of LAMB in float64: no bias correction, the norm of the weights counts as at most 10."""
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for gradient in gradients:
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        update = mean / (np.sqrt(square) + 1e-6) + decay * weight
        size, length = min(np.linalg.norm(weight), 10), np.linalg.norm(update)
        weight = weight - lr * (size / length if size and length else 1) * update
    return weight


@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 100.0])
def test_steps_follow_the_formula(scale: float) -> None:
    """Also from weights of norm 0, where the trust ratio is 1, and beyond 10, where it is clamped."""
    rng = np.random.default_rng(0)
    start, gradients = scale * rng.normal(size=(4, 5)), rng.normal(size=(6, 4, 5))
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = Lamb([weight], lr=0.02, weight_decay=0.01)
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient)
        optimizer.step()
    np.testing.assert_allclose(weight.detach(), reference(start, gradients, 0.02, 0.01), rtol=1e-10)


def test_without_gradient_nothing_moves() -> None:
    still, idle = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.zeros(3))
    idle.grad = torch.zeros(3)  # no step at all: weights, gradient and decay are zero
    Lamb([still, idle]).step()
    assert torch.equal(still, torch.ones(3)) and torch.equal(idle, torch.zeros(3))


def test_its_state_can_be_stored_and_restored() -> None:
    first, second = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    one, other = Lamb([first]), Lamb([second])
    for number in range(4):
        if number == 2:
            with torch.no_grad():
                second.copy_(first)
            other.load_state_dict(copy.deepcopy(one.state_dict()))
        first.grad = second.grad = torch.tensor([1.0, -2.0, number])
        one.step()
        if number >= 2:
            other.step()
    assert torch.equal(first, second)
