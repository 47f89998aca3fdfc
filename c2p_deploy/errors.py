"""Every error a user can meet, in one place.

All of them derive from `C2PError`; catching that one class catches whatever this
toolkit refuses on purpose. A message says what is wrong and what to do about it,
and starts with the file it is about where there is one. `c2p-run` prints it behind
`error: ` on one line.
"""

from __future__ import annotations


class C2PError(Exception):
    """Base class of all deliberate refusals."""


class CloudFileError(C2PError):
    """A cloud or mesh file that cannot be read: missing, truncated, malformed, unknown format."""


class CloudError(C2PError):
    """Points that cannot be classified: wrong shape, no finite point, no extent."""


class LabelError(C2PError):
    """A label set that is malformed, or a label for which no text feature is known."""


class ManifestError(C2PError):
    """A manifest that is missing, malformed, of another schema, or does not fit its engine."""


class EngineError(C2PError):
    """An engine file that cannot be loaded or run here."""


class MissingDependencyError(C2PError):
    """An optional package is needed; the message names the extra to install."""
