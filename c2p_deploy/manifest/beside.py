"""What lies beside an engine: its files under the names they were given since."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from c2p_deploy.errors import ManifestError
from c2p_deploy.manifest.parts import TextEncoderFiles


def no_engine(engine: Path) -> ManifestError:
    """The refusal of an engine that is not there; with what is there instead."""
    onnx = engine.with_suffix(".onnx") if engine.suffix.lower() == ".plan" else engine
    if onnx != engine and os.path.isfile(onnx):
        build = shlex.join(("c2p-export", "--onnx", str(onnx)))
        return ManifestError(
            f"no such engine file, but {onnx.name} lies there",
            f"run that (--engine {shlex.quote(str(onnx))}), or build the plan on this machine: {build}",
            engine,
        )
    return ManifestError("no such engine file", "give a .onnx or .plan made by c2p-export", engine)


def renamed(
    engines: Mapping[str, str], text: TextEncoderFiles | None, engine: Path
) -> tuple[Mapping[str, str], TextEncoderFiles | None]:
    """A manifest's files under the name that engine and manifest were given since.

    Their SHA-256 tells whether they are the same. A text encoder keeps its name unless it was renamed, too.
    """
    stems = {Path(name).stem for name in engines}
    if len(stems) != 1:
        return engines, text
    (former,) = stems

    def now(name: str) -> str:
        return engine.stem + name[len(former) :]

    if text is not None:
        files = {name: name for name in (text.model, text.tokenizer)}
        for name in files:
            moved = not os.path.exists(engine.with_name(name)) and name.startswith(f"{former}.")
            files[name] = now(name) if moved else name
        text = replace(text, model=files[text.model], tokenizer=files[text.tokenizer])
    return {now(name): digest for name, digest in engines.items()}, text
