"""The recipes, from folders to an engine: that every part fits the next, not how good the result is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from c2p_deploy import DepthSpec, Manifest
from c2p_recipes import default_model, training_set
from c2p_recipes.cli import main
from c2p_recipes.data import RecipeData
from c2p_recipes.default_model import RealData, data_parts, make_real_model, training_config
from c2p_recipes.mini import MiniConfig, make_mini_model
from c2p_recipes.packs.split import HELD_BACK
from c2p_recipes.publish import BEGIN, END, steps_table
from c2p_recipes.shapes.catalogue import SHAPES
from c2p_recipes.training.scan_batches import ScanBatchConfig
from c2p_runtime import Classifier
from c2p_train.model.conv_encoder import ConvConfig
from heard import heard_lines
from interrupting import invoke, strike
from open_objects import write_all_text_features, write_objects, write_package
from training_data import write_clouds, write_text_features

SMALL = MiniConfig(
    spec=DepthSpec(image_size=32, point_radius=0.08, num_points=128),
    encoder=ConvConfig(channels=3, stem=8, widths=(8, 16), blocks=(1, 1)),
    image_steps=3,
    pretrain_epochs=2,
    shots=(1, 2),
    repeats=2,
    adapter_epochs=3,
    tuning_steps=2,
)
SMALL_ENCODER = ConvConfig(stem=8, widths=(8, 16), blocks=(1, 1))


def write_meshes(root: Path, classes: tuple[str, ...], per_class: int = 40) -> Path:
    """CLASS/FILE.off: boxes, those of a class alike but for a tenth."""
    rng = np.random.default_rng(5)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    faces = ("0 1 3 2", "4 6 7 5", "0 4 5 1", "2 3 7 6", "0 2 6 4", "1 5 7 3")
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(per_class):
            size = np.roll([1.0, 0.5, 0.2], number) * rng.uniform(0.9, 1.1, 3)
            vertices = "\n".join(" ".join(f"{v:.4f}" for v in corner * size) for corner in corners)
            lines = f"OFF\n8 6 0\n{vertices}\n" + "".join(f"4 {face}\n" for face in faces)
            (root / name / f"{index:03}.off").write_text(lines)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> RecipeData:
    folder = tmp_path_factory.mktemp("data")
    return RecipeData(
        modelnet10=write_clouds(folder / "modelnet10", per_class=10, classes=("table", "bed")),
        meshes=write_meshes(folder / "meshes", ("MultiSeat", "Bed")),
        posed_meshes=write_meshes(folder / "posed", ("Bed",), per_class=10),
        text=write_text_features(folder / "text"),
    )


def test_mini_from_meshes_to_an_engine_and_again(data: RecipeData, tmp_path: Path) -> None:
    card = tmp_path / "CARD.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    out, engine = tmp_path / "run", tmp_path / "mini.onnx"

    def make() -> list[str]:
        with heard_lines() as lines:
            make_mini_model(data, out, engine, card, SMALL, torch.device("cpu"), 1)
        return lines

    make()
    clf = Classifier(engine)
    assert clf.labels.names == ("bed", "sofa", "table") and Manifest.for_engine(engine).head == "zeroshot"
    assert clf(np.load(data.modelnet10 / "bed/000.npy")).label in clf.labels.names
    report = json.loads((out / "steps.json").read_text())
    assert set(report["zero-shot"]) == {"image encoder on depth maps", "after image-depth pre-training"}
    assert {name: len(draws) for name, draws in report["ModelNet10"].items()} == {
        "1 shot": 2, "2 shots": 2, "all clouds": 1,
    }  # fmt: skip
    text = card.read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    assert "| adapters: 2 shots | " in text and "| ModelNet10 | 2 |" in text

    first = engine.read_bytes()
    again = make()  # every step finds its result
    assert engine.read_bytes() == first
    # Rendering finds its shards, twice.
    assert sum(line.startswith("0 meshes in ") for line in again) == 2
    assert json.loads((out / "steps.json").read_text()) == report


def test_steps_are_tabled_with_their_spread() -> None:
    table = steps_table(
        {
            "zero-shot": {"before": {"ModelNet10": 0.25, "meshes": 0.5}},
            "ModelNet10": {"2 shots": [0.5, 0.7], "all clouds": [0.9]},
            "fine-tuned": {"ModelNet10": 0.95, "meshes": 0.75},
        }
    )
    assert table.splitlines() == [
        "| step | ModelNet10 | meshes |",
        "|---|---|---|",
        "| zero-shot: before | 25.0 % | 50.0 % |",
        "| adapters: 2 shots | 60.0 ± 14.1 % |  |",
        "| adapters: all clouds | 90.0 % |  |",
        "| depth encoder trained further on all labels | 95.0 % | 75.0 % |",
    ]


def test_the_recipe_of_the_bundled_model(
    data: RecipeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = {name: SHAPES[name] for name in ("can", "banana", "mug")}
    for module in (training_set, default_model):
        monkeypatch.setattr(module, "SHAPES", shapes)
    card = tmp_path / "CARD.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    packs = ("kit", "kit", "kit", HELD_BACK[-1], HELD_BACK[-1])
    rows = [(pack, name, f"{name}/{n}") for name in ("Bed", "Sofa", "Mug") for n, pack in enumerate(packs)]
    rows.append(("sweethome3d-furniture/Scopia", "Shelf", "scopia/a/a.obj"))
    real = RealData(
        objects=write_objects(tmp_path / "objects", rows),
        furniture=write_package(tmp_path / "furniture.deb", [("Shelf", "scopia/a/a.obj")]),
        text=write_all_text_features(tmp_path / "text"),
        modelnet10=data.modelnet10,
        meshes=data.meshes,
    )
    training = replace(training_config(0, 2), encoder=SMALL_ENCODER)
    drawing = ScanBatchConfig(spec=SMALL.spec, batch_size=6, views_per_cloud=1)
    out, engine = tmp_path / "run", tmp_path / "default.onnx"
    make_real_model(real, out, engine, card, training, drawing, torch.device("cpu"), shapes_per_label=1)
    labels = Classifier(engine).labels
    # The lone shelf is too little to learn a label from; ModelNet10 and the meshes only measure.
    assert {"bed", "sofa", *shapes} == set(labels.names)
    text = card.read_text()
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    for line in ("| ModelNet10 | 2 |", "| meshes | 8 |", "| other packs | ", "| other packs, one side | "):
        assert line in text
    assert "| kit | " in (tmp_path / "run/split.md").read_text()

    learned, apart = data_parts(replace(real, research=True), out, seed=0, shapes_per_label=1)
    assert {"ModelNet10", "meshes"} <= {part.source for part in learned} & {part.source for part in apart}
    assert "table" in learned[2].names and "table" not in labels.names


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_middle_of_a_recipe_ends_it_in_one_line(
    data: RecipeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it reads, renders and trains; that what trains goes on bit for bit is tested with what trains."""
    monkeypatch.setattr("c2p_recipes.mini.MiniConfig", lambda seed: SMALL)
    folders = [f"--{option.replace('_', '-')}={folder}" for option, folder in vars(data).items()]
    out = tmp_path / "run"
    for at in (1, 3, 5, 7):
        assert strike(lambda: invoke(main, "mini", "--workers", 1, "--out", out, *folders), at)
        assert not [path for path in tmp_path.rglob("*") if path.suffix in (".onnx", ".part", ".tmp")]


def test_a_folder_without_known_classes_ends_in_one_line(data: RecipeData, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["mini", "--out", str(tmp_path / "run"), "--meshes", str(tmp_path / "empty")]
    for option in ("modelnet10", "posed-meshes", "text"):
        arguments += [f"--{option}", str(vars(data)[option.replace("-", "_")])]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and "error: " in result.output and "no class folder known" in result.output


@pytest.mark.parametrize("name", ["default", "research", "split", "mini"])
def test_every_recipe_explains_itself_with_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"c2p-recipe {name} " in result.output.partition("Example")[2]
    assert "--out" in result.output
