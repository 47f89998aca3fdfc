"""Every error a user can meet, in one place, as data: what is wrong, what to do, and with which file.

All of them derive from `C2PError`; catching that one class catches whatever this toolkit refuses
on purpose. A refusal is raised where it is found, often without a path, and `at` adds the path on
the way up; nobody cuts or rewrites its words. `c2p_deploy.console` prints them for all commands.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from os import PathLike, fspath
from typing import TypeVar

_Error = TypeVar("_Error", bound="C2PError")


class C2PError(Exception):
    """A deliberate refusal.

    problem: what is wrong, in a clause that reads after "PATH: ". remedy: what to do about it; empty where
    the problem says it. path: the file or folder it is about; None where there is none.
    `str(error)` is one line: "PATH: problem; remedy".
    """

    def __init__(self, problem: str, remedy: str = "", path: str | PathLike[str] | None = None) -> None:
        super().__init__(problem, remedy, path)
        self.problem, self.remedy = problem, remedy
        self.path = None if path is None else fspath(path)

    def __str__(self) -> str:
        text = f"{self.problem}; {self.remedy}" if self.remedy else self.problem
        return one_line(text if self.path is None else f"{self.path}: {text}")

    def at(self: _Error, path: str | PathLike[str]) -> _Error:
        """The same refusal about this file, unless it names one already; `raise error.at(path)`."""
        if self.path is not None:
            return self
        named = copy.copy(self)
        named.args, named.path = (self.problem, self.remedy, path), fspath(path)
        return named


class OptionError(C2PError, ValueError):
    """An argument or an option that makes no sense: commands end with their usage and exit code 2."""


class MissingSplitError(C2PError):
    """A data set without the split that is asked for, which has another one."""


class CloudFileError(C2PError):
    """A cloud or mesh file that cannot be read: missing, truncated, malformed, unknown format."""


class CloudError(C2PError):
    """Points that cannot be classified: wrong shape, no finite point, no extent."""


class UnusableCloudError(CloudError):
    """A cloud of a batch that cannot be classified. index: which one."""

    def __init__(
        self, problem: str, remedy: str = "", path: str | PathLike[str] | None = None, *, index: int = 0
    ) -> None:
        super().__init__(problem, remedy, path)
        self.index = index


class LabelError(C2PError):
    """A label set that is malformed, or a label for which no text feature is known."""


class UnknownLabelError(LabelError):
    """A name for which a label set has no text feature. names: all that were asked for."""

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        path: str | PathLike[str] | None = None,
        *,
        names: Iterable[str] = (),
    ) -> None:
        super().__init__(problem, remedy, path)
        self.names = tuple(names)


class ManifestError(C2PError):
    """A manifest that is missing, malformed, of another schema, or does not fit its engine."""


class EngineError(C2PError):
    """An engine file that cannot be loaded or run here."""


class ParityError(C2PError):
    """An exported engine that does not give what its checkpoint gives."""


class CheckpointError(C2PError):
    """A checkpoint, or the kept state of a training, that cannot be used."""


class PairsError(C2PError):
    """A folder of image-depth pairs that cannot be used."""


class MissingDependencyError(C2PError):
    """An optional package is needed; the remedy names the extra to install."""


def one_line(text: str) -> str:
    """Without the line ends, control characters and undecodable bytes that names and contents may hold."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def reason_of(error: BaseException) -> str:
    """What a library or the system says of its own error: the first line, or else the kind of error."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # its whole text has a number before, and the path behind
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
