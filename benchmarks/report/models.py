"""What models answer and engines cost: robustness.py, precision.py and export_cost.py."""

from __future__ import annotations

from .words import Results, listed, median, number, percent, table


def robustness(results: Results) -> str:
    """Top-1 on held-out clouds, a line per change; per source without strays, and with all points."""
    sources = results["clouds"]
    rows = []
    for row in results["top1"]:
        found = [row.get(source, {}) for source in sources]
        figures = [of.get(name) for of in found for name in ("robust", "paper")]
        rows.append([row["change"], *("" if top1 is None else percent(top1) for top1 in figures)])
    header = [
        text for source, count in sources.items() for text in (f"{source} ({count})", "all points count")
    ]
    return table(["clouds", *header], rows)


def precision(results: Results) -> str:
    """For every checkpoint accuracy beside speed, a line per precision and backend."""
    return "\n\n".join(_precision_of(model) for model in results["trained"])


def _precision_of(model: Results) -> str:
    sets = model["sets"]
    rows = []
    for row in model["engines"]:
        refused = "" if row["parity_gate"] == "passed" else ", *refused*"
        alike = f"{row['agreement_with_float32']['cosine_min']:.4f}"
        engine = [row["precision"] + refused, row["run_by"], f"{number(row['megabytes'])} MB"]
        accuracies = (_accuracy(row["accuracy"][name]) for name in sets)
        rows.append([*engine, median(row["ms"]), alike, *accuracies])
    encoders = " and ".join(model["encoders"])
    size = f"{model['views']} views of {model['image_size']} px"
    header = ["engine", "run by", "file", "ms a cloud", "cosine, at least"]
    header += [f"{name} ({judged['clouds']})" for name, judged in sets.items()]
    return f"{model['checkpoint']}: {model['head']}, {encoders}, {size}:\n\n{table(header, rows)}"


def _accuracy(found: Results) -> str:
    low, high = (100 * bound for bound in found["interval95"])
    return f"{percent(found['top1'])} ({low:.1f}–{high:.1f})"


def export_cost(results: Results) -> str:
    """Seconds, memory and bytes of the command, a line per export."""
    exports = results["exports"]
    rows = []
    for name, figures in exports.items():
        files = ", ".join(f"`{file}` {number(size)} MB" for file, size in figures["megabytes"].items())
        memory = f"{number(figures['peak_memory_gb']['median'], 2)} GB"
        rows.append([name, median(figures["seconds"]), memory, files])
    runs = listed(figures["seconds"]["n"] for figures in exports.values())
    clouds = listed(figures["parity"]["clouds"] for figures in exports.values())
    setting = f"{results['model']}; {runs} runs each, verified on {clouds} clouds."
    return f"{setting}\n\n{table(['', 'seconds', 'peak memory', 'files'], rows)}"
