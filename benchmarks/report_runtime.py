"""Blocks of what the runtime takes on a CPU: batch.py, cold_start.py, cpu.py and precision.py.

As in `report_tables.py` every function takes the contents of a file in results/ and gives Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from common import spread
from report_tables import Results, median, number, percent, table


def batch(results: Results) -> str:
    """A line per engine and number of clouds per call."""
    rows = []
    for name, engine in results["engines"].items():
        for size, figures in engine["batch"].items():
            peak = figures["peak_memory_mb"]
            rows.append(
                [
                    f"{name}, {engine['backend']}" if size == next(iter(engine["batch"])) else "",
                    size,
                    median(figures["ms_per_call"]),
                    median(figures["ms_per_cloud"]),
                    number(figures["clouds_per_second"]),
                    "" if peak is None else f"{peak:,.0f} MB",
                ]
            )
    header = ["engine", "clouds per call", "ms per call", "ms per cloud", "clouds/s", "peak memory"]
    return f"Clouds of {results['points']:,} points.\n\n{table(header, rows)}"


def scene(results: Results) -> str:
    """A line per engine and number of objects in a frame."""
    rows = []
    for name, engine in results["engines"].items():
        for objects, figures in engine["scene"].items():
            frame, rate = figures["ms_per_frame"], figures["frames_per_second"]
            rows.append(
                [
                    name if objects == next(iter(engine["scene"])) else "",
                    objects,
                    median(frame["one_call"]),
                    median(frame["call_per_object"]),
                    spread(figures["ratio"]),
                    number(max(rate.values())),
                ]
            )
    low, high = results["object_points"]
    header = ["engine", "objects", "ms a frame, one call", "a call per object", "ratio", "frames/s"]
    return f"Objects of {low:,} to {high:,} points each.\n\n{table(header, rows)}"


def cold_start(results: Results) -> str:
    """Stages by ways to start, for every model that was started."""
    parts = []
    for model, ways in results["starts"].items():
        stages = list(dict.fromkeys(stage for way in ways.values() for stage in way["stages_s"]))
        stages = [stage for stage in stages if stage not in ("second call", "exit")]
        rows = [
            [stage, *(_ms(way["stages_s"], stage) for way in ways.values())]
            for stage in [*stages, "second call", "exit"]
        ]
        answer = ["**first answer**", *(f"**{_seconds(way['first_answer_s'])}**" for way in ways.values())]
        rows.insert(len(stages), answer)
        parts.append(f"{model}:\n\n{table(['ms', *ways], rows)}")
    return "\n\n".join(parts)


def cold_start_floor(results: Results) -> str:
    """What `c2p-run` takes from its start to its end, by backend."""
    commands, floors = results["command_s"], list(results["floors"].values())
    rows = [
        [backend, median(seconds), "yes" if floor["holds"] else "**no**"]
        for (backend, seconds), floor in zip(commands.items(), floors, strict=True)
    ]
    return table(["`c2p-run chair.ply`", "seconds", f"at most {floors[0]['limit']:g} s"], rows)


def _ms(stages: Results, stage: str) -> str:
    return number(1e3 * stages[stage]["median"]) if stage in stages else ""


def _seconds(stats: Results) -> str:
    return number(1e3 * stats["median"])


def cpu(results: Results) -> str:
    """For every model the ways on all cores that were measured, beside what they take on one."""
    parts = [f"Clouds of {results['points']:,} points; `end to end` is from points to scores."]
    for name, model in results["models"].items():
        most = str(max(map(int, model["cores"])))
        rows = [_cpu_row(model, way, figures) for way, figures in model["cores"][most]["ways"].items()]
        blas = model["cores"][most]["blas_gflops"]["median"]
        what = f"{name} ({number(model['gflop_per_cloud'])} GFLOP a cloud), {most} cores"
        header = ["engine", "encoder, ms", "end to end, ms", "GFLOP/s"]
        header += [f"of {blas:,.0f} by BLAS", "encoder on 1 core, ms"]
        parts.append(f"{what}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def _cpu_row(model: Results, way: str, figures: Results) -> list[str]:
    one = model["cores"].get("1", {"ways": {}})["ways"].get(way)
    kind = figures["run_by"].partition(" ")[2]  # "(bf16)", where it is not the file's own
    return [
        f"{way} {kind}".strip(),
        median(figures["encode_ms"]),
        median(figures["end_to_end_ms"]),
        number(figures["gflops"]),
        f"{100 * figures['of_float32_blas']:.0f} %",
        median(one["encode_ms"]) if one else "",
    ]


def pace(results: Results) -> str:
    """Latency and processor time by the pause between calls."""
    found = results["pace"]
    pauses = list(found["pause_ms"])
    rows = [
        [
            way,
            *(
                f"{number(figures[way]['latency_ms']['median'])} / {number(figures[way]['cpu_ms_per_call'])}"
                for figures in found["pause_ms"].values()
            ),
        ]
        for way in found["pause_ms"][pauses[0]]
    ]
    setting = f"{found['model']}, {found['cores']} cores: latency / processor time of all threads, ms a call."
    return f"{setting}\n\n{table(['engine', *(f'pause of {pause} ms' for pause in pauses)], rows)}"


def precision(results: Results) -> str:
    """For every checkpoint accuracy beside speed, a line per precision and backend."""
    return "\n\n".join(_precision_table(measured) for measured in _measured(results))


def _measured(results: Results) -> Iterator[Results]:
    yield from results["trained"]
    if "random" in results:
        yield results["random"]


def _precision_table(measured: Results) -> str:
    sets = measured.get("sets", {})
    rows = []
    for row in measured["engines"]:
        alike = row["agreement_with_float32"]
        refused = "" if row["parity_gate"] == "passed" else ", *refused*"
        rows.append(
            [
                row["precision"] + refused,
                row["run_by"],
                f"{number(row['megabytes'])} MB",
                median(row["ms"]),
                f"{alike['cosine_min']:.4f}",
                *_accuracies(row["accuracy"][name] for name in sets),
            ]
        )
    encoders = " and ".join(measured["encoders"])
    size = f"{measured['views']} views of {measured['image_size']} px"
    header = ["engine", "run by", "file", "ms a cloud", "cosine, at least"]
    header += [f"{name} ({judged['clouds']})" for name, judged in sets.items()]
    return f"{measured['checkpoint']}: {measured['head']}, {encoders}, {size}:\n\n{table(header, rows)}"


def _accuracies(found: Iterable[Results]) -> Iterator[str]:
    for accuracy in found:
        low, high = (100 * bound for bound in accuracy["interval95"])
        yield f"{percent(accuracy['top1'])} ({low:.1f}–{high:.1f})"


# Block -> its function, and the files in results/ that it is made from, without `.json`.
BLOCKS: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "batch": (batch, ("batch",)),
    "scene": (scene, ("batch",)),
    "cold_start": (cold_start, ("cold_start",)),
    "cold_start_floor": (cold_start_floor, ("cold_start",)),
    "cpu": (cpu, ("cpu",)),
    "pace": (pace, ("cpu",)),
    "precision": (precision, ("precision",)),
}
