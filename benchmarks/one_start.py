"""One start of a program that names a cloud, stage by stage: what cold_start.py runs again and again.

    python benchmarks/one_start.py ENGINE CLOUD BACKEND

Does what `c2p-run` does, with each heavy import on its own, and prints as JSON when each stage ended,
in seconds of the monotonic clock, which the processes of a machine share. Nothing that costs time is
imported before the clock is first read.
"""

from __future__ import annotations

import sys
from time import monotonic

_marks: list[tuple[str, float]] = []


def mark(stage: str) -> None:
    """Notes that a stage has just ended."""
    _marks.append((stage, monotonic()))


def watch(owner: object, name: str, stage: str, before: str | None = None) -> None:
    """The function `name` of a module or class henceforth marks `stage` when it returns.

    before: the stage that ends when it is called.
    """
    original = getattr(owner, name)

    def watched(*arguments: object, **options: object) -> object:
        if before is not None:
            mark(before)
        result = original(*arguments, **options)
        mark(stage)
        return result

    setattr(owner, name, watched)


def start(engine: str, cloud: str, backend: str) -> dict[str, object]:
    """Imports everything, opens the engine and asks twice; what was answered, by what, and how fast."""
    import numpy as np

    mark("import numpy")
    import click  # noqa: F401  (a part of the command)

    mark("import click")
    from c2p_deploy import manifest, prepare_points, read_cloud

    mark("import c2p_deploy")
    import numba  # noqa: F401  (so that it is not counted as ours)

    mark("import numba")
    from c2p_deploy import project_depth
    from c2p_runtime import classifier

    mark("import c2p_runtime")
    if backend == "openvino":
        from c2p_runtime.backends import openvino as openvino_backend

        watch(openvino_backend, "import_openvino", "import the backend")  # not by us: it would phone home
    else:
        import onnxruntime  # noqa: F401  (the same as numba)

        mark("import the backend")
    watch(manifest, "sha256_of", "SHA-256 of the engine", before="manifest")
    watch(classifier, "choose", "choice of the backend")
    watch(classifier, "choose_any_labels", "labels")
    watch(classifier, "CpuPipeline", "load the engine")
    ready = classifier.Classifier(engine, device="cpu", backend=backend)
    spec = ready.manifest.spec
    project_depth(prepare_points(np.eye(3), spec), ready.manifest.views, spec)  # three points
    mark("load the kernel")
    points = read_cloud(cloud)
    mark("read the cloud")
    first = ready(points)
    mark("first call")
    second = ready(points)
    mark("second call")
    return {
        "label": first.label,
        "points": len(points),
        "backend": ready.backend,
        "precision": ready.manifest.precision,
        "first_call_ms": dict(first.timing_ms),
        "second_call_ms": dict(second.timing_ms),
    }


if __name__ == "__main__":
    mark("interpreter")
    answer = start(*sys.argv[1:])
    import json

    print(json.dumps({**answer, "marks": _marks}))
