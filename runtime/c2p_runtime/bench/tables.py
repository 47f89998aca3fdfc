"""The report of c2p-bench for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from c2p_runtime.bench.boards import BOARDS
from c2p_runtime.bench.measure import PERCENTILES

_UNKNOWN = "not known"
_STATISTICS = ("mean", *PERCENTILES)
_ONE_LAUNCH = (
    "on a GPU the stages are one launch: `copy in` is the points' way to the device, `device` all the rest"
)
_SMI_SHOWN = ("driver_version", "clocks.sm", "clocks.mem", "power.limit")


def show(report: Mapping[str, Any], console: Console) -> None:
    """Prints a report as `report.report` makes it."""
    settings = report["settings"]
    for engine in report["engines"]:
        _show_engine(engine, settings, console)
    if report["comparison"] is not None:
        _show_comparison(report, console)
    _show_memory(report["memory"], len(report["engines"]), console)
    _show_environment(report["environment"], console)


def _show_engine(engine: Mapping[str, Any], settings: Mapping[str, Any], console: Console) -> None:
    clouds = _count(settings["batch"], "cloud")
    console.print(
        f"[bold]{escape(engine['engine'])}[/bold]: {engine['precision']}, {engine['backend']} on "
        f"{engine['device']}, {engine['views']} views of {engine['image_size']} px",
        f"{clouds} of {settings['points']:,} points per call, {_count(engine['runs'], 'run')} after "
        f"{settings['burn_in']} of burn-in",
        sep="\n",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_stages("ms per call", engine["per_call_ms"]))
    if settings["batch"] > 1:
        console.print(_stages("ms per cloud", engine["per_cloud_ms"]))
    if engine["device"] == "cuda":
        _line(console, "stages", _ONE_LAUNCH)
    _line(console, "throughput", f"{engine['clouds_per_s']:.1f} clouds/s")
    _line(
        console, "start", f"loaded in {engine['load_s']:.2f} s, first call {engine['first_call_ms']:.1f} ms"
    )
    _line(console, "achieved", _achieved(engine))
    _line(console, "roofline", _roofline(engine))
    console.print()


def _stages(title: str, stages: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(title, box=box.SIMPLE_HEAD)
    for name in _STATISTICS:
        table.add_column(name, justify="right", no_wrap=True)
    for stage, stats in stages.items():
        table.add_row(
            stage, *(f"{stats[name]:.3f}" for name in _STATISTICS), style="bold" * (stage == "end to end")
        )
    return table


def _achieved(engine: Mapping[str, Any]) -> str:
    cost, found = engine["cost"], engine["achieved"]
    if cost is None:
        return f"{_UNKNOWN}: its manifest does not say what it costs; export again"
    return (
        f"{found['tflop_per_s']:.3g} TFLOP/s, {found['gb_per_s']:.3g} GB/s of weights in `{found['stage']}` "
        f"({cost['flops_per_cloud'] / 1e9:.3g} GFLOP per cloud, {cost['weight_bytes'] / 1e6:.1f} MB)"
    )


def _roofline(engine: Mapping[str, Any]) -> str:
    if engine["device"] == "cpu":
        return "none on a CPU"
    found = engine["achieved"]
    if found is None:
        return _UNKNOWN
    if found["board"] is None:
        return f"{_UNKNOWN}: not a board of the table; --board takes one of {', '.join(BOARDS)}"
    title, floor = BOARDS[found["board"]].title, found["roofline"]
    if floor is None:
        return f"{_UNKNOWN}: the table has no peak of {title} in {engine['precision']}"
    return (
        f"{floor['per_cent']:.1f} % of {title}, where compute takes {floor['compute_ms']:.3f} ms and memory "
        f"{floor['memory_ms']:.3f} ms at least ({floor['bound']}-bound)"
    )


def _show_comparison(report: Mapping[str, Any], console: Console) -> None:
    first, second = (engine["engine"] for engine in report["engines"])
    found = report["comparison"]
    console.print(
        f"[bold]{escape(second)} / {escape(first)}[/bold], end to end, taking turns", highlight=False
    )
    _line(
        console,
        "ratio",
        f"{found['median']:.3f} (quartiles {found['q1']:.3f} to {found['q3']:.3f}) of {found['pairs']} pairs",
    )
    _line(
        console,
        "faster",
        f"{first} in {_count(found['first_faster'], 'pair')}, {second} in {found['second_faster']}",
    )
    console.print()


def _show_memory(memory: Mapping[str, Any], engines: int, console: Console) -> None:
    console.print("[bold]Memory[/bold]" + (", both engines loaded" if engines == 2 else ""), highlight=False)
    _line(console, "process", f"{_mib(memory['peak_process_bytes'])} at its peak")
    before, after = memory["gpu_free_before_bytes"], memory["gpu_free_after_bytes"]
    if before is not None and after is not None:
        _line(console, "GPU", f"{_mib(before - after)} taken, {_mib(after)} free")
    console.print()


def _show_environment(found: Mapping[str, Any], console: Console) -> None:
    console.print("[bold]Machine[/bold]")
    _line(console, "CPU", f"{found['cpu']}, {_count(found['cores'], 'core')}")
    if found["machine"] is not None:
        _line(console, "board", found["machine"])
    gpus = [f"{gpu['name']} ({gpu['sm']}, {_mib(gpu['memory_bytes'])})" for gpu in found["gpus"]]
    _line(console, "GPU", "; ".join(gpus) or "none")
    _line(console, "power mode", found["power_mode"] or _UNKNOWN)
    clocks = [f"{name} {value}" for name, value in found["clocks"].items() if value is not None]
    for gpu in found["nvidia_smi"] or []:
        clocks += [f"{name} {gpu[name]}" for name in _SMI_SHOWN if gpu.get(name) is not None]
    _line(console, "clocks", ", ".join(clocks) or _UNKNOWN)
    _line(console, "load before", _UNKNOWN if found["load_before"] is None else f"{found['load_before']:.2f}")
    _line(console, "system", ", ".join(part for part in (found["system"], found["jetson_linux"]) if part))
    _line(console, "versions", ", ".join(f"{name} {of}" for name, of in found["versions"].items()))


def _line(console: Console, name: str, value: str) -> None:
    console.print(f"  {name:<12} {value}", markup=False, highlight=False, soft_wrap=True)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _mib(size: int | None) -> str:
    return _UNKNOWN if size is None else f"{size / (1 << 20):,.0f} MiB"
