"""Errors as data: what they print, how they get a path, that they cross processes whole."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path

import pytest

from c2p_deploy import errors
from c2p_deploy.errors import (
    C2PError,
    CloudFileError,
    OptionError,
    UnknownLabelError,
    UnusableCloudError,
    one_line,
    reason_of,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, C2PError)]
EXTRAS = {UnusableCloudError: {"index": 7}, UnknownLabelError: {"names": ("mug", "crate")}}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (C2PError("is empty"), "is empty"),
        (C2PError("is empty", "write it again"), "is empty; write it again"),
        (C2PError("is empty", path="a.ply"), "a.ply: is empty"),
        (C2PError("is empty", "write it again", Path("a.ply")), "a.ply: is empty; write it again"),
        (C2PError("holds 'a\nb\x07\udcff'", path="c\td"), "c d: holds 'a b??'"),
    ],
)
def test_the_text_is_one_line_of_path_problem_and_remedy(error: C2PError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("kind", KINDS)
def test_at_adds_the_path_and_keeps_all_else(kind: type[C2PError]) -> None:
    extras = EXTRAS.get(kind, {})
    error = kind("is empty", "write it again", **extras)
    named = error.at(Path("a.ply"))
    assert type(named) is kind and str(named) == "a.ply: is empty; write it again"
    assert (named.problem, named.remedy, named.path) == ("is empty", "write it again", "a.ply")
    assert error.path is None  # it may be raised elsewhere, too
    assert named.at("b.ply") is named
    for name, value in extras.items():
        assert getattr(named, name) == value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [None, "a.ply", Path("folder") / "a.ply"])
def test_errors_survive_pickling_and_copying(kind: type[C2PError], path: Path | str | None) -> None:
    extras = EXTRAS.get(kind, {})
    error = kind("is empty", "write it again", path, **extras)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind and str(again) == str(error) and again.args == error.args
        assert vars(again) == vars(error)
        assert extras.items() <= vars(again).items()


def test_an_error_that_was_named_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(CloudFileError("is empty", "write it again").at(Path("a.ply"))))
    assert str(error) == "a.ply: is empty; write it again" and error.path == "a.ply"


def test_a_wrong_option_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match=r"^up must be$"):
        raise OptionError("up must be")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("bad node\nat graph.cc:7"), "bad node"),
        (RuntimeError("\n\n  bad node  \n"), "bad node"),
        (RuntimeError(""), "RuntimeError"),
        (RuntimeError(), "RuntimeError"),
        (RuntimeError(" \n "), "RuntimeError"),
        (FileNotFoundError(2, "No such file or directory", "a.ply"), "No such file or directory"),
        (OSError("weird"), "weird"),
        (OSError(), "OSError"),
    ],
)
def test_the_reason_of_a_foreign_error_is_one_line_and_never_empty(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_one_line_keeps_letters_of_all_scripts() -> None:
    assert one_line("stuhl é 椅子\n\u2028\x1b[0m\udcff") == "stuhl é 椅子  ?[0m?"
