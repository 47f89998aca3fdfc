"""Batches of image-depth pairs for pre-training, drawn ahead by threads.

Of an object one side is drawn: its picture, and two depth maps of one of its clouds as a
camera on that side sees it from slightly different distances, as the authors draw them. Every choice
follows from the seed, the step and the index in the step, whatever threads and processes do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from c2p_deploy import DepthSpec, ViewSet, project_depth
from c2p_deploy.cores import cores
from c2p_deploy.errors import C2PError, OptionError
from c2p_deploy.projection.spec import FloatArray
from c2p_train.learn.distributed import rank, world_size
from c2p_train.pairs.pair_dataset import PairDataset

_AHEAD = 2  # batches drawn while one is trained on
_JITTER = 0.2  # width of the range of camera distances around 1: 10 % nearer to 10 % farther


class Batch(NamedTuple):
    """b pairs: pictures uint8 [b, S, S, 3], depth maps float32 [b, 2, S', S']."""

    image: Tensor
    depth: Tensor


class PairBatches:
    """The batches of every step; in an epoch each pair comes up once, save a few that fill no step.

    pairs: one data set or more; spec: of the depth maps. A step has `accumulate` batches of
    `batch_size` pairs, of which each process gets an equal share. Raises C2PError when the data
    sets do not go together or fill no step, and OptionError for a batch size that cannot be shared out.
    """

    def __init__(
        self,
        pairs: Sequence[PairDataset],
        spec: DepthSpec,
        batch_size: int,
        accumulate: int = 1,
        seed: int = 0,
    ) -> None:
        first = pairs[0]
        for other in pairs[1:]:
            same = (other.views, other.image_size, other.num_points)
            if same != (first.views, first.image_size, first.num_points):
                raise C2PError(
                    f"other views, picture size or number of points than {first.root}",
                    "render both with the same settings",
                    other.root,
                )
        if batch_size < 2 or batch_size % world_size():
            raise OptionError(
                f"a batch of {batch_size} pairs cannot be contrasted on {world_size()} processes",
                "choose a multiple of these, and at least 2",
            )
        self.pairs, self.views, self.picture_size = pairs, first.views, first.image_size
        self.spec = spec
        self.batch_size, self.accumulate, self.seed = batch_size, accumulate, seed
        self._first = np.cumsum([0, *map(len, pairs)])  # number of the first pair of each data set
        self._per_step = batch_size * accumulate
        self.steps_per_epoch = len(self) // self._per_step
        if self.steps_per_epoch == 0:
            raise C2PError(
                f"{len(self)} pairs do not fill one step of {self._per_step}", "use smaller batches"
            )

    def __len__(self) -> int:
        """How many pairs there are."""
        return int(self._first[-1])

    def over(self, steps: range) -> Generator[Batch, None, None]:
        """This process's share of the batches of these steps, in order."""
        share = self.batch_size // world_size()
        pool = ThreadPoolExecutor(min(16, cores()), thread_name_prefix="c2p-pairs")
        waiting: deque[tuple[Batch, list[Future[None]]]] = deque()
        pin = torch.cuda.is_available()

        def finish() -> Batch:
            batch, drawn = waiting.popleft()
            for pair in drawn:
                pair.result()  # raises what the thread raised
            return Batch(batch.image.pin_memory(), batch.depth.pin_memory()) if pin else batch

        try:
            for step in steps:
                for number in range(self.accumulate):
                    image = np.empty((share, self.picture_size, self.picture_size, 3), np.uint8)
                    depth = np.empty((share, 2, self.spec.image_size, self.spec.image_size), np.float32)
                    first = number * self.batch_size + rank() * share  # of this process's pairs
                    drawn = [
                        pool.submit(self.draw, step, first + row, image[row], depth[row])
                        for row in range(share)
                    ]
                    waiting.append((Batch(torch.from_numpy(image), torch.from_numpy(depth)), drawn))
                    if len(waiting) > _AHEAD:
                        yield finish()
            while waiting:
                yield finish()
        finally:
            pool.shutdown(cancel_futures=True)

    def draw(self, step: int, index: int, image: npt.NDArray[np.uint8], depth: FloatArray) -> None:
        """Draws the pair of this index in a step into a picture [S, S, 3] and depth maps [2, S', S']."""
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        number = int(_order(self.seed, epoch, len(self))[step_in_epoch * self._per_step + index])
        which = int(np.searchsorted(self._first, number, side="right")) - 1
        pairs, i = self.pairs[which], number - int(self._first[which])
        rng = np.random.default_rng((self.seed, step, index + 1))  # + 1: never that of `_order`
        view = int(rng.integers(len(self.views)))
        samplings = pairs.points(i)
        points = samplings[rng.integers(len(samplings))]
        distances = 1 + (rng.random(2) - 0.5) * _JITTER
        image[:] = pairs.image(i, view)
        twice = ViewSet("jittered", self.views.rotations[[view, view]], distances.astype(np.float32))
        project_depth(points, twice, self.spec, "y", out=depth)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, total: int) -> npt.NDArray[np.int64]:
    """The order in which the pairs come up in an epoch."""
    return np.random.default_rng((seed, epoch)).permutation(total)
