from enum import IntEnum

class HistoryPolicy(IntEnum):
    KEEP_LAST = 1
    KEEP_ALL = 2

class ReliabilityPolicy(IntEnum):
    RELIABLE = 1
    BEST_EFFORT = 2

class QoSProfile:
    def __init__(
        self, *, history: HistoryPolicy = ..., depth: int = ..., reliability: ReliabilityPolicy = ...
    ) -> None: ...
