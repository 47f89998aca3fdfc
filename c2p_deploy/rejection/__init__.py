"""Rejection: when an answer is better not given, and how far one that is given can be trusted.

`rejection` is what travels in a manifest, `judge` applies it to features, `fit` makes it. NumPy only.
"""

from c2p_deploy.rejection.fit import fit_rejection
from c2p_deploy.rejection.judge import REASONS, Judge, Judgement
from c2p_deploy.rejection.rejection import Rejection

__all__ = ["REASONS", "Judge", "Judgement", "Rejection", "fit_rejection"]
