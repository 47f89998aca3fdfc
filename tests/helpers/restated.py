"""The authors' models and trainings written out a second time: plain matrix products in float64.

Nothing of the product is used but the projection, which is tested bit for bit on its own. Where
the authors' own checkpoints and outputs are, tests/test_goldens.py holds these functions against
them; so what agrees with these functions agrees with the authors. Names and steps are those of
the authors' state dicts; `state` holds tensors in float64, keys below the prefix given.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, ViewSet, project_depth

State = dict[str, Tensor]

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073], dtype=torch.float64).view(3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711], dtype=torch.float64).view(3, 1, 1)
CHECKPOINTS = {
    "pretrain": "pretrain_best_val_tiny.pth",
    "fewshot": "fewshot_best_tiny.pth",
    "clip": "clip_tiny.pt",
}
# The views of the six clouds of the pre-training golden, by their angles.
PRETRAIN_VIEWS = [0, 1, 3, 5, 6, 9]


def read_state(folder: Path, kind: str) -> State:
    """A checkpoint in the authors' layout, in float64."""
    stored = torch.load(folder / CHECKPOINTS[kind], weights_only=True)
    return {k: v.double() if v.is_floating_point() else v for k, v in stored.items()}


def below(state: State, prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


# The encoders


def normed(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt() * weight + bias


def transformer(state: State, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Tokens [N, T, W] through every block; heads are 64 wide."""
    n, t, width = x.shape
    layers = sum(key.endswith(".attn.in_proj_weight") for key in below(state, "transformer."))
    for layer in range(layers):
        s = below(state, f"transformer.resblocks.{layer}.")
        y = normed(x, s["ln_1.weight"], s["ln_1.bias"]) @ s["attn.in_proj_weight"].T + s["attn.in_proj_bias"]
        q, k, v = (part.reshape(n, t, -1, 64).transpose(1, 2) for part in y.split(width, dim=-1))
        scores = q @ k.transpose(-1, -2) / 8
        if mask is not None:
            scores = scores + mask
        y = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, t, width)
        x = x + y @ s["attn.out_proj.weight"].T + s["attn.out_proj.bias"]
        y = normed(x, s["ln_2.weight"], s["ln_2.bias"]) @ s["mlp.c_fc.weight"].T + s["mlp.c_fc.bias"]
        y = y / (1 + torch.exp(-1.702 * y))  # QuickGELU
        x = x + y @ s["mlp.c_proj.weight"].T + s["mlp.c_proj.bias"]
    return x


def image_features(state: State, images: Tensor) -> Tensor:
    """Images [N, 3, S, S] in [0, 1] -> raw features [N, D]: golden steps 10 and 12."""
    kernel = state["conv1.weight"]
    p, n, grid = kernel.shape[-1], len(images), images.shape[-1] // kernel.shape[-1]
    x = (images.double() - MEAN) / STD
    x = x.reshape(n, 3, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(n, grid * grid, 3 * p * p)
    x = x @ kernel.reshape(len(kernel), -1).T
    x = torch.cat([state["class_embedding"].expand(n, 1, -1), x], dim=1) + state["positional_embedding"]
    x = transformer(state, normed(x, state["ln_pre.weight"], state["ln_pre.bias"]))
    return normed(x[:, 0], state["ln_post.weight"], state["ln_post.bias"]) @ state["proj"]


def view_features(state: State, depth: Tensor) -> Tensor:
    """Depth maps [B, V, S, S] -> raw features [B, V, D]."""
    return torch.stack([image_features(state, cloud[:, None].expand(-1, 3, -1, -1)) for cloud in depth])


def text_features(state: State, tokens: np.ndarray) -> Tensor:
    """Tokens [N, T] -> raw features [N, D]; the feature is that of the last token's place."""
    t = tokens.shape[1]
    ids = torch.from_numpy(tokens).long()
    x = state["token_embedding.weight"][ids] + state["positional_embedding"]
    x = transformer(state, x, torch.full((t, t), -torch.inf, dtype=torch.float64).triu(1))
    x = normed(x, state["ln_final.weight"], state["ln_final.bias"])
    return x[torch.arange(len(x)), ids.argmax(dim=1)] @ state["text_projection"]


# The heads


def unit(x: Tensor) -> Tensor:
    return x / x.square().sum(dim=-1, keepdim=True).sqrt()


def adapter(state: State, features: Tensor, statistics: State | None = None) -> Tensor:
    """Features [B, V, D] -> [B, D]: golden step 14.

    With `statistics` the rows themselves give mean and variance, as in training, and the running
    ones are moved there.
    """

    def batch_norm(x: Tensor, name: str) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        if statistics is not None:
            mean, variance = x.mean(dim=0), (x - x.mean(dim=0)).square().mean(dim=0)
            for key, value in (("mean", mean), ("var", variance * len(x) / (len(x) - 1))):
                running = statistics[f"{name}.running_{key}"]
                statistics[f"{name}.running_{key}"] = 0.9 * running + 0.1 * value.detach()
        return (x - mean) / (variance + 1e-5).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]

    b, v, d = features.shape
    x = batch_norm((features * state["fusion_ratio"][:, None]).reshape(b * v, d), "global_f.0.bn")
    x = x.reshape(b, v * d) @ state["global_f.3.weight"].T + state["global_f.3.bias"]
    x = batch_norm(x, "global_f.4").clamp(min=0)
    return x @ state["global_f.7.weight"].T + state["global_f.7.bias"]


def models(checkpoints: Path, depth: dict[int, Tensor], tokens: np.ndarray) -> dict[str, np.ndarray]:
    """What models/tiny.npz of the goldens holds, but for the names; depth: at 10 and 6 views."""
    clip, few, pre = (read_state(checkpoints, kind) for kind in ("clip", "fewshot", "pretrain"))
    raw = text_features(clip, tokens)
    text = unit(raw)
    found = {"text_raw": raw, "text_norm": text, "logit_scale": clip["logit_scale"]}
    for kind, encoder in (("pre", below(pre, "module.point_model.")), ("clip", below(clip, "visual."))):
        for views, maps in depth.items():
            features = view_features(encoder, maps)
            per_view = unit(features) @ text.T
            logits = per_view.sum(dim=1)
            found |= {
                f"zs_{kind}_v{views}_feat_raw": features,
                f"zs_{kind}_v{views}_logits_view": per_view,
                f"zs_{kind}_v{views}_logits": logits,
                f"zs_{kind}_v{views}_probs": logits.softmax(dim=1),
                f"zs_{kind}_v{views}_pred": logits.argmax(dim=1).int(),
            }
    paths = []
    for name, encoder, number in (("pre", "pre_model.", 1), ("ori", "ori_model.", 2)):
        features = view_features(below(few, encoder), depth[10])
        paths.append(adapter(below(few, f"adapter{number}."), features))
        found |= {f"dpa_{name}_feat_raw": features, f"dpa_adapter{number}": paths[-1]}
    fused = unit(0.5 * (paths[0] + paths[1]))
    found |= {"dpa_feat_norm": fused, "dpa_logits": fused @ text.T}
    return arrays(found)


# The trainings


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    return (logits.logsumexp(dim=1) - logits[torch.arange(len(label)), label]).mean()


def nt_xent(a: Tensor, b: Tensor) -> Tensor:
    rows = unit(torch.cat([a, b]))
    scores = rows @ rows.T / 0.07
    scores = scores.masked_fill(torch.eye(len(rows), dtype=torch.bool), -torch.inf)
    return cross_entropy(scores, (torch.arange(len(rows)) + len(a)) % len(rows))


def lamb(weight: Tensor, gradient: Tensor, memory: tuple[Tensor, Tensor] | None) -> tuple[Tensor, ...]:
    """The new weight and moments after a step of torch_optimizer's Lamb as the authors set it."""
    m, v = memory or (torch.zeros_like(weight), torch.zeros_like(weight))
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    update = m / (v.sqrt() + 1e-6) + 1e-4 * weight
    size, length = float(weight.norm()), float(update.norm())
    trust = min(size, 10.0) / length if size > 0 and length > 0 else 1.0
    return weight - 0.006 * trust * update, m, v


def adamw(weight: Tensor, gradient: Tensor, m: Tensor, v: Tensor, step: int) -> tuple[Tensor, ...]:
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    update = (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    return weight * (1 - 1e-3 * 1e-4) - 1e-3 * update, m, v


def pretraining(checkpoints: Path, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What follows in loss/pretrain_tiny.npz from its points, image14 and aug_dist: golden step 15."""
    state = read_state(checkpoints, "pretrain")
    picture = torch.nn.functional.interpolate(
        torch.from_numpy(given["image14"]).double(), size=224, mode="bilinear", align_corners=False
    )
    image = image_features(below(state, "module.image_model."), picture)
    weights = {**below(state, "module.point_model."), "w": state["module.weights"]}
    rotations = ViewSet.named("clip2point-10").rotations[PRETRAIN_VIEWS]
    memory: dict[str, tuple[Tensor, Tensor]] = {}
    found: dict[str, Tensor] = {"image_feat_raw": image}
    steps: dict[str, list[Tensor]] = {}
    for step, distances in enumerate(given["aug_dist"]):
        maps = [
            project_depth(points, ViewSet("one", rotation[[0, 0]], pair), DepthSpec(), "y")
            for points, rotation, pair in zip(given["points"], rotations[:, None], distances, strict=True)
        ]
        weights = {name: value.detach().requires_grad_() for name, value in weights.items()}
        features = view_features(weights, torch.from_numpy(np.stack(maps)))
        depth_loss = nt_xent(features[:, 0], features[:, 1])
        image_loss = nt_xent((features[:, 0] + features[:, 1]) / 2, image)
        w = weights["w"]
        loss = image_loss + depth_loss / w**2 + torch.log(w + 1)
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        now = {"loss": loss, "image_loss": image_loss, "depth_loss": depth_loss, "weights": w}
        now["grad_weights"] = gradients["w"]
        now["grad_proj_norm"] = gradients["proj"].norm()
        now["grad_total_norm"] = torch.stack([g.square().sum() for g in gradients.values()]).sum().sqrt()
        for name, value in now.items():
            steps.setdefault(name, []).append(value.detach())
        if step == 0:
            found |= {
                "depth_feat_raw": features.transpose(0, 1),
                "grad_point_proj": gradients["proj"][:64],
                "grad_class_embedding": gradients["class_embedding"],
                "grad_ln_post_weight": gradients["ln_post.weight"],
            }
        for name, value in weights.items():
            weights[name], *moments = lamb(value.detach(), gradients[name], memory.get(name))
            memory[name] = (moments[0], moments[1])
    found |= {name: torch.stack(values) for name, values in steps.items()}
    found |= {
        "lamb_after3_proj": weights["proj"][:64],
        "lamb_after3_ln_post_bias": weights["ln_post.bias"],
        "lamb_after3_weights": weights["w"],
    }
    return arrays(found)


def fewshot_training(checkpoints: Path, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What follows in loss/fewshot_tiny.npz from its points and labels: three steps of AdamW."""
    state = read_state(checkpoints, "fewshot")
    clip = read_state(checkpoints, "clip")
    text = unit(text_features(clip, given["tokens"]))
    depth = depth_maps(given["points"], 10)
    label = torch.from_numpy(given["labels"])
    paths = ("adapter1.", "adapter2.")
    features = [view_features(below(state, e), depth) for e in ("pre_model.", "ori_model.")]
    names = [k for k in state if k.startswith(paths) and "running" not in k and "tracked" not in k]
    moments = {name: (torch.zeros_like(state[name]), torch.zeros_like(state[name])) for name in names}
    found: dict[str, Tensor] = {}
    losses = []
    for step in (1, 2, 3):
        for name in names:
            state[name] = state[name].detach().requires_grad_()
        aggregated = []
        for path, seen in zip(paths, features, strict=True):
            statistics = below(state, path)
            aggregated.append(adapter(below(state, path), seen, statistics))
            state |= {path + key: value for key, value in statistics.items() if "running" in key}
        logits = unit(0.5 * (aggregated[0] + aggregated[1])) @ text.T
        loss = cross_entropy(logits, label)
        losses.append(loss.detach())
        gradients = dict(zip(names, torch.autograd.grad(loss, [state[n] for n in names]), strict=True))
        if step == 1:
            found |= {
                "logits_step0": logits,
                "grad0_adapter1_fusion": gradients["adapter1.fusion_ratio"],
                "grad0_adapter1_lin1_bias": gradients["adapter1.global_f.7.bias"],
                "grad0_adapter2_bn0_weight": gradients["adapter2.global_f.0.bn.weight"],
            }
        for name in names:
            state[name], *kept = adamw(state[name].detach(), gradients[name], *moments[name], step)
            moments[name] = (kept[0], kept[1])
    found |= {
        "loss": torch.stack(losses),
        "after3_adapter1_fusion": state["adapter1.fusion_ratio"],
        "after3_adapter1_lin1_bias": state["adapter1.global_f.7.bias"],
    }
    for short, name in (("bn0", "global_f.0.bn"), ("bn1", "global_f.4")):
        for figure in ("mean", "var"):
            found[f"after3_adapter1_{short}_{figure}"] = state[f"adapter1.{name}.running_{figure}"]
    return arrays(found)


def depth_maps(clouds: Iterable[np.ndarray], views: int) -> Tensor:
    """Depth maps of prepared clouds, z up: float32 [B, V, 224, 224]."""
    named = ViewSet.named(f"clip2point-{views}")
    return torch.from_numpy(np.stack([project_depth(cloud, named, DepthSpec(), "z") for cloud in clouds]))


def arrays(found: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """As the goldens keep them: float32."""
    plain = {name: value.detach().contiguous() for name, value in found.items()}
    return {name: (v.float() if v.is_floating_point() else v).numpy() for name, v in plain.items()}
