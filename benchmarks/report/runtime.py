"""What the runtime takes: run_speed, cold_start, batch, cpu, memory_over_time and stream (`.py`)."""

from __future__ import annotations

from .words import Results, median, number, ratio, table


def speed_in_short(results: Results) -> str:
    """One sentence for those who only look at the README."""
    started = results["start_up_s"]["one cloud"]
    size, ms = next(iter(results["stages_ms"].items()))
    return (
        f"On a CPU `c2p-run` has answered {number(started['median'])} s after its start; in a warm "
        f"`Classifier` a cloud of {int(size.split()[0]):,} points takes {median(ms['total'])} ms."
    )


def run_speed(*by_backend: Results) -> str:
    """What a user of c2p-run and Classifier waits for: a line per figure, a column per backend."""
    columns = [dict(_waits(results)) for results in by_backend]
    rows = [[what, *(column[what] for column in columns)] for what in columns[0]]
    return table(["", *(results["backend"] for results in by_backend)], rows)


def _waits(results: Results) -> list[tuple[str, str]]:
    started = results["start_up_s"]["one cloud"]
    waits = [("from starting `c2p-run` to the answer, second run on", f"{median(started)} s")]
    for size, ms in results["stages_ms"].items():
        stages = {"preparation": "prepare", "projection": "project", "encoder": "encode"}
        parts = ", ".join(f"{name} {number(ms[stage]['median'])}" for name, stage in stages.items())
        what = f"one cloud of {int(size.split()[0]):,} points, warm"
        waits.append((what, f"{median(ms['total'])} ms: {parts}"))
    files = results["many_files"]
    what = f"{sum(files['files'].values()):,} files of mixed formats, reading and start-up included"
    return [*waits, (what, f"{number(files['clouds_per_second'])} clouds/s")]


def cold_start(results: Results) -> str:
    """Seconds to the first answer, a line per model and way to start it."""
    rows = [
        [model, f"{number(figures['engine_mb'])} MB", way, median(figures["first_answer_s"])]
        for model, ways in results["starts"].items()
        for way, figures in ways.items()
    ]
    return table(["", "engine", "backend", "seconds to the first answer"], rows)


def batch(results: Results) -> str:
    """A line per engine and number of clouds per call."""
    rows = []
    for name, engine in results["engines"].items():
        what = f"{name}, {engine['backend']}"
        for size, figures in engine["batch"].items():
            peak = figures["peak_memory_mb"]
            ms = [median(figures[key]) for key in ("ms_per_call", "ms_per_cloud")]
            memory = "" if peak is None else f"{peak:,.0f} MB"
            rows.append([what, size, *ms, number(figures["clouds_per_second"]), memory])
            what = ""
    header = ["engine", "clouds per call", "ms per call", "ms per cloud", "clouds/s", "peak memory"]
    return f"Clouds of {results['points']:,} points.\n\n{table(header, rows)}"


def scene(results: Results) -> str:
    """A line per engine and number of objects in a frame."""
    rows = []
    for name, engine in results["engines"].items():
        what = name
        for objects, figures in engine["scene"].items():
            ms = [median(figures["ms_per_frame"][way]) for way in ("one_call", "call_per_object")]
            rate = number(max(figures["frames_per_second"].values()))
            rows.append([what, objects, *ms, ratio(figures["ratio"]), rate])
            what = ""
    low, high = results["object_points"]
    header = ["engine", "objects", "ms a frame, one call", "a call per object", "ratio", "frames/s"]
    return f"Objects of {low:,} to {high:,} points each.\n\n{table(header, rows)}"


def cpu(results: Results) -> str:
    """For every model the ways by the number of cores."""
    parts = [f"Milliseconds from {results['points']:,} points to scores."]
    for name, model in results["models"].items():
        by_cores = [model["cores"][cores]["ways"] for cores in model["cores"]]
        rows = []
        for way, figures in by_cores[-1].items():
            kind = figures["run_by"].partition(" ")[2]  # "(bf16)", where it is not the file's own
            megabytes = model["megabytes"][way.split()[1]]
            ms = (median(ways[way]["end_to_end_ms"]) for ways in by_cores)
            rows.append([f"{way} {kind}".strip(), f"{number(megabytes)} MB", *ms])
        header = ["engine", "file", *(f"{cores} core{'s' * (cores != '1')}" for cores in model["cores"])]
        parts.append(f"{name}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def pace(results: Results) -> str:
    """Latency and processor time by the pause between calls."""
    found = results["pace"]
    by_pause = found["pause_ms"]
    rows = []
    for way in next(iter(by_pause.values())):
        latency = [number(figures[way]["latency_ms"]["median"]) for figures in by_pause.values()]
        used = [number(figures[way]["cpu_ms_per_call"]) for figures in by_pause.values()]
        rows.append([way, *map(" / ".join, zip(latency, used, strict=True))])
    setting = f"{found['model']}, {found['cores']} cores: latency / processor time of all threads, ms a call."
    return f"{setting}\n\n{table(['engine', *(f'pause of {pause} ms' for pause in by_pause)], rows)}"


def memory_over_time(results: Results) -> str:
    """How the memory of a busy process moves, a line per backend."""
    rows = []
    for backend, figures in results["backends"].items():
        megabytes = [f"{figures[key]:,.0f} MB" for key in ("first_half_mb", "second_half_mb", "highest_mb")]
        since = f"{figures['steady_from_s'] / 60:.1f} min"
        rows.append(
            [backend, f"{figures['calls']:,}", since, *megabytes, f"{figures['mb_per_minute']:.1f} MB"]
        )
    header = ["backend", "calls", "all sizes met", "first half after", "second half", "highest", "a minute"]
    setting = f"{results['threads']} threads, {results['seconds'] // 60} minutes each"
    return f"{setting}, batches of 1 to {results['largest_batch']} clouds.\n\n{table(header, rows)}"


def stream(results: Results) -> str:
    """Counts, ages and memory of a long stream, as a table of two columns."""
    ages, service = (
        " / ".join(number(results[key][f"p{q}"]) for q in (50, 95, 99)) for key in ("age_ms", "service_ms")
    )
    memory = results["memory"]
    counts = ", ".join(f"{results[key]:,} {key}" for key in ("received", "done", "dropped", "failed"))
    rows = [
        ["frames", counts],
        ["readings at which the counts did not add up", str(results["uneven_readings"])],
        ["age of an answer, ms: p50 / p95 / p99", ages],
        ["of that the worker's, ms: p50 / p95 / p99", service],
        [
            "memory, first half / second half / highest",
            " / ".join(f"{memory[key]:,.0f} MB" for key in ("first_half_mb", "second_half_mb", "highest_mb")),
        ],
    ]
    minutes = results["seconds"] // 60
    clouds = f"{results['points']:,} points, {results['rate']} times a second"
    setting = f"{clouds}, {minutes} minutes; {results['backend']}."
    return f"{setting}\n\n{table(['', ''], rows)}"
