"""What models answer and engines cost: quality.py, precision.py and export_cost.py."""

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


def rejection(results: Results) -> str:
    """What gets a label, a line per kind of clouds."""
    header = ["clouds", "", "get a label", "guess right", "of those, get it", "ECE", "AUROC", "FPR95"]
    shown = ("named", "top1", "named_of_right", "calibration_error", "auroc", "false_positives")
    rows = []
    for row in results["figures"]:
        cells = ["" if row[key] is None else percent(row[key]) for key in shown]
        rows.append([f"{row['kind']}: {row['group']}", str(row["clouds"]), *cells])
    return table(header, rows)


def detectors(results: Results) -> str:
    """AUROC and false positives of each score, against strangers and against clutter."""
    header = [
        "score",
        *(f"{kind}, {what}" for kind in ("strangers", "clutter") for what in ("AUROC", "FPR95")),
    ]
    rows = [
        [
            name,
            *(percent(found[kind][key]) for kind in ("strangers", "clutter") for key in ("auroc", "fpr95")),
        ]
        for name, found in results["detectors"].items()
    ]
    return table(header, rows)


def teach(results: Results) -> str:
    """Found and lost, a line per number of clouds shown; all things at once; other members of a kind."""
    old = results["old"]
    rows: dict[int, list[str]] = {}
    for row in results["one_by_one"]:
        found, *lost = percent(row["found"]), *(f"{100 * row[key]:.1f}" for key in ("lost", "lost_most"))
        rows.setdefault(row["shown"], [str(row["shown"])]).extend([found, *lost])
    at_once, kinds = results["all_at_once"], results["kinds_one_by_one"]
    empty = [""] * 4
    together = [
        f"4, all {results['things']} at once",
        percent(at_once["found"]),
        f"{100 * at_once['lost']:.1f}",
    ]
    members = [f"4 of {results['kinds']} kinds", percent(kinds["found"])]
    members += [f"{100 * kinds[key]:.1f}" for key in ("lost", "lost_most")]
    columns = ["found", "lost", "lost at most"]
    header = ["taught from", *columns, *(f"{column}, one side" for column in columns)]
    figures = table(header, [*rows.values(), [*together, *empty], [*members, *empty[1:]]])
    setting = f"{old['clouds']} held-out clouds of the old labels, {percent(old['top1'])} before:"
    times = "; ".join(f"{name}: {number(ms['cpu'])} ms" for name, ms in results["ms"].items())
    return f"{setting}\n\n{figures}\n\nWork of a core: {times}."


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


def fewshot(results: Results) -> str:
    """Top-1 of every method, a line per task and number of shots; the best of a line in bold."""
    tables = []
    for name, task in results["tasks"].items():
        methods = list(task["rows"][0]["top1"])
        rows = []
        for row in task["rows"]:
            best = max(row["top1"].values())
            figures = [percent(row["top1"][method]) for method in methods]
            bold = [f"**{text}**" if text == percent(best) else text for text in figures]
            rows.append([str(row["shots"]), *bold])
        setting = f"{name}: {task['judged']} clouds of {task['classes']} classes."
        tables.append(f"{setting}\n\n{table(['shots', *methods], rows)}")
    draws = f"Means of {results['seeds']} draws of the shots"
    slow = f", of gdpa {results['adapter_seeds']}" if results["adapter_seeds"] else ""
    return "\n\n".join([f"{draws}{slow}.", *tables])
