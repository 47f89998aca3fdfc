"""A folder like the full goldens, made on the spot: for a clone that has not the authors' weights.

Checkpoints have the authors' layout (keys_tiny.json is theirs) and weights drawn here; the clouds
are those of the excerpts; what the models and trainings give is computed by `restated`, whose
agreement with the authors' own outputs is tested where these are present.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import restated
from paths import GOLDEN

# The last is in models/tiny.npz only, as in the full goldens: its cloud is kept apart there.
CLOUDS = (
    *("sphere", "box", "chair", "plane", "rod", "n1_direct", "n2", "n128", "n2048", "offset_dup"),
    *("all_same", "torus"),
)
PLY = ("sphere", "box", "chair", "plane", "rod", "offset_dup")
TRAINED_ON = ("chair", "torus", "box", "sphere", "rod", "plane")


def write_stand_in(out: Path) -> None:
    """Everything that tests read of the full goldens, into the new folder `out`."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # products this small only wait for more
    try:
        for name in ("checkpoints", "render", "models", "loss", "ply"):
            (out / name).mkdir(parents=True)
        write_checkpoints(out / "checkpoints")
        clouds = {name: read_cloud(name) for name in CLOUDS}
        points = [cloud["points"] for cloud in clouds.values()]
        depth = {views: restated.depth_maps(points, views) for views in (10, 6)}
        for row, (name, cloud) in enumerate(clouds.items()):
            if name != "torus":
                maps = {f"depth01_v{views}_rot1": maps[row].numpy() for views, maps in depth.items()}
                np.savez(out / "render" / f"{name}.npz", **cloud, **maps)
        with np.load(GOLDEN / "models.npz") as golden:
            words = {name: golden[name] for name in ("prompts", "tokens")}
        found = restated.models(out / "checkpoints", depth, words["tokens"])
        np.savez(out / "models/tiny.npz", clouds=np.array(CLOUDS), **words, **found)
        write_labelled(out, clouds, found)
        write_losses(out, clouds, words["tokens"])
    finally:
        torch.set_num_threads(threads)


def read_cloud(name: str) -> dict[str, np.ndarray]:
    """As generated and as projected, of an excerpt; the torus is drawn here."""
    if name != "torus":
        with np.load(GOLDEN / f"{name}.npz") as golden:
            return {key: golden[key] for key in ("points_raw", "points")}
    around, tube = np.random.default_rng(1).uniform(0, 2 * math.pi, (2, 1024))
    away = 0.7 + 0.3 * np.cos(tube)
    points = np.stack([away * np.cos(around), away * np.sin(around), 0.3 * np.sin(tube)], axis=1)
    return {"points_raw": points.astype(np.float32), "points": points.astype(np.float32)}


def write_checkpoints(folder: Path) -> None:
    """The authors' three files: a CLIP, a pre-training from it, adapters on the encoders of both."""
    layout = json.loads((GOLDEN / "keys_tiny.json").read_text())
    rng = np.random.default_rng(13)  # of few seeds the one whose answers are furthest from a draw
    clip = {key: drawn(rng, key, shape) for key, (shape, _) in layout["clip"].items()}
    # Rounded as CLIP's are; both copies of the image encoder are made of these.
    clip = {key: value.half() if value.is_floating_point() else value for key, value in clip.items()}
    image = {key: value.float() for key, value in restated.below(clip, "visual.").items()}
    depth = {key: value + drawn_like(rng, value) for key, value in image.items()}
    sources = {"image_model.": image, "ori_model.": image, "point_model.": depth, "pre_model.": depth}
    for kind, keys in layout.items():
        state = {}
        for key, (shape, dtype) in keys.items():
            bare = key.removeprefix("module.")
            prefix = next((p for p in sources if bare.startswith(p)), None)
            if kind == "clip":
                state[key] = clip[key]
            elif prefix is not None:
                state[key] = sources[prefix][bare.removeprefix(prefix)]
            else:
                state[key] = drawn(rng, bare, shape)
            assert list(state[key].shape) == shape and str(state[key].dtype) == dtype, key
        torch.save(state, folder / restated.CHECKPOINTS[kind])


def drawn_like(rng: np.random.Generator, value: Tensor) -> Tensor:
    """Noise a fifth the size of a weight's own deviation."""
    noise = torch.from_numpy(rng.normal(size=tuple(value.shape)).astype(np.float32))
    return 0.2 * value.std(correction=0) * noise


def drawn(rng: np.random.Generator, key: str, shape: list[int]) -> Tensor:
    """A weight that makes a difference: no norm, bias or statistic is the initial one."""
    fixed = {
        "weights": 0.875,
        "logit_scale": math.log(20),
        "input_resolution": 224,
        "context_length": 77,
        "vocab_size": 49408,
    }
    if key in fixed:
        return torch.tensor(fixed[key])
    if key.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if key.startswith("selector."):
        with np.load(GOLDEN / "cameras.npz") as cameras:
            return torch.from_numpy(cameras["v10_" + key.rpartition("_")[2]])
    noise = torch.from_numpy(rng.normal(size=shape).astype(np.float32))
    if key.endswith("running_var"):
        return 0.2 + 0.3 * noise.square()
    if key.endswith("fusion_ratio"):
        return 0.5 + 0.1 * noise
    if len(shape) == 1:  # norms and biases, the class token
        return noise * 0.1 + (1.0 if key.endswith("weight") else 0.0)
    if key.endswith(("embedding", "embedding.weight")):
        return 0.3 * noise
    if len(shape) == 4:  # a patch of even grey gives nothing, so that clouds differ
        return 0.1 * (noise - noise.mean(dim=(1, 2, 3), keepdim=True))
    inputs = shape[0] if key.endswith(("proj", "projection")) else math.prod(shape[1:])
    return noise * (1.5 / math.sqrt(inputs))


def write_labelled(out: Path, clouds: dict[str, dict[str, np.ndarray]], found: dict[str, np.ndarray]) -> None:
    """Clouds named by their class, and the accuracies of a correct script over these and the torus.

    The few-shot model answers four of the six right; either zero-shot model answers another one.
    """
    judges = dict.fromkeys((*PLY, "torus"), "dpa_logits")
    judges |= {"chair": "zs_pre_v6_logits", "plane": "zs_clip_v6_logits"}
    labels = {name: int(found[logits][CLOUDS.index(name)].argmax()) for name, logits in judges.items()}
    rows = [CLOUDS.index(name) for name in labels]
    printed: dict[str, object] = {"labels": labels}
    for name, logits in (
        ("fewshot_eval", "dpa_logits"),
        *((f"zeroshot_{kind}_v{v}", f"zs_{kind}_v{v}_logits") for kind in ("pre", "clip") for v in (6, 10)),
    ):
        right = found[logits][rows].argmax(axis=1) == list(labels.values())
        printed[name] = float(right.mean())
    (out / "models/e2e_tiny.json").write_text(json.dumps(printed))
    for name in PLY:
        write_ply(out / "ply" / f"{labels[name]}_{name}.ply", clouds[name]["points_raw"], ascii=name == "box")


def write_ply(path: Path, points: np.ndarray, ascii: bool) -> None:
    kind = "ascii" if ascii else "binary_little_endian"
    lines = ["ply", f"format {kind} 1.0", f"element vertex {len(points)}"]
    header = "\n".join([*lines, *(f"property float {axis}" for axis in "xyz"), "end_header", ""])
    rows = "\n".join(" ".join(repr(float(value)) for value in point) for point in points) + "\n"
    path.write_bytes(header.encode() + (rows.encode() if ascii else points.astype("<f4").tobytes()))


def write_losses(out: Path, clouds: dict[str, dict[str, np.ndarray]], tokens: np.ndarray) -> None:
    """Three steps of either training on six clouds."""
    rng = np.random.default_rng(2)
    points = np.stack([clouds[name]["points"] for name in TRAINED_ON])
    given = {
        "points": points,
        "image14": rng.uniform(size=(6, 3, 14, 14)).astype(np.float32),
        "aug_dist": rng.uniform(0.9, 1.1, (3, 6, 2)).astype(np.float32),
    }
    found = restated.pretraining(out / "checkpoints", given)
    np.savez(out / "loss/pretrain_tiny.npz", **given, **found)
    given = {"points": points, "labels": np.array([8, 37, 29, 39, 15, 33])}
    found = restated.fewshot_training(out / "checkpoints", given | {"tokens": tokens})
    np.savez(out / "loss/fewshot_tiny.npz", **given, **found)
