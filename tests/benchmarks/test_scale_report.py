"""What docs/scale.md multiplies follows from what was measured."""

from __future__ import annotations

from typing import Any

from report import scale

PRETRAINING: dict[str, Any] = {
    "rendering": {
        "224": {"meshes": 3, "faces": {"median": 9, "q1": 8, "q3": 10}, "cpu_s_mean": 0.36},
    },
    "storing": {
        "224": {
            "bytes_per_pair": 100_000,
            "opened_us_per_pair": 50.0,
            "index_bytes_per_pair": 400,
            "index_peak_bytes_per_pair": 2_000,
        }
    },
    "drawing": {
        "224": {"cpu_ms": {"whole pair": {"median": 2.0}}, "pairs_per_s": {"median": 1000.0}},
    },
    "training": {
        "ViT-B/32": {
            "batch_size": 16,
            "image_size": 224,
            "gflop_per_pair": 60.0,
            "kept_bytes_per_pair": 38e6,
            "pairs_per_s": {"median": 2.0, "q1": 1.0, "q3": 3.0},
        }
    },
}


def row(text: str, begin: str) -> list[str]:
    """The cells of the table's line that begins so, from the third on."""
    (line,) = (line for line in text.splitlines() if line.startswith(begin))
    return line.strip("| ").split(" | ")


def test_many_pairs_take_so_many_times_what_one_takes() -> None:
    text = scale.pairs({"pretraining": PRETRAINING})
    one = ["360 ms", "100 KB", "50.0 µs", "2.00 KB", "400 bytes", "1.00 ms"]
    assert row(text, "| 224 px | 1 |")[2:] == one
    many = ["41.7 days", "1.00 TB", "8.33 min", "20.0 GB", "4.00 GB", "2.78 h"]
    assert row(text, "| | 10,000,000 |")[1:] == many


def test_a_gpu_is_reckoned_by_operations_and_fed_by_processor_time() -> None:
    cells = row(scale.training({"pretraining": PRETRAINING}), "| ViT-B/32 |")
    # 52,460 pairs at 2 a second; at 100 TFLOP/s 1,667 a second, each 2 ms of a core.
    assert cells[5:] == ["7.29 h", "31.5 s", "3.3"]
