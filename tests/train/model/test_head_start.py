"""What heads start from: every view with the same weight, both paths with the same share."""

import pytest
import torch

from c2p_train.model.heads import DPA, DROPOUT, GDPA, Aggregator, ZeroShot, build_head


def test_every_view_starts_at_a_half() -> None:
    for views in (1, 6):
        torch.testing.assert_close(Aggregator(views, 4).view_weight.detach(), torch.full((views,), 0.5))


def test_the_gate_starts_at_a_half() -> None:
    head = GDPA(2, 4)
    assert not head.gate.weight.any() and not head.gate.bias.any()
    depth, image = torch.ones(3, 4), torch.full((3, 4), 3.0)
    torch.testing.assert_close(head.fuse(depth, image).detach(), torch.full((3, 4), 2.0))
    torch.testing.assert_close(DPA(2, 4).fuse(depth, image), torch.full((3, 4), 2.0))


def test_dropout_is_the_papers() -> None:
    assert DROPOUT == 0.075
    for head in (DPA(2, 4), GDPA(2, 4)):
        assert head.depth_path.dropout.p == head.image_path.dropout.p == 0.075
    assert Aggregator(2, 4).dropout.p == 0.075 and GDPA(2, 4, 0.5).image_path.dropout.p == 0.5


@pytest.mark.parametrize(("name", "kind"), [("zeroshot", ZeroShot), ("dpa", DPA), ("gdpa", GDPA)])
def test_heads_are_found_by_name(name: str, kind: type) -> None:
    head = build_head(name, 2, 4)
    assert type(head) is kind
    features = torch.tensor([[[3.0, 0, 0, 0], [0, 5, 0, 0]]])
    if name == "zeroshot":
        torch.testing.assert_close(head(features), torch.tensor([[0.5, 0.5, 0, 0]]))
    else:
        lengths = head.eval()(features, features).norm(dim=-1)
        torch.testing.assert_close(lengths.detach(), torch.ones(1))
