"""Points in, names out: what Triton's Python backend runs, a `Classifier` for each instance of the model.

`c2p-export --triton` copies this file into a model repository, beside the engine. It needs the base package
of c2p-deploy in the server's Python, no torch. What the parameters in config.pbtxt say goes to `Classifier`.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils  # of the server

from c2p_deploy.errors import C2PError, UnusableCloudError
from c2p_runtime import Classifier, Prediction


class TritonPythonModel:
    """One instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the engine, whose hash its manifest knows."""
        if np.lib.NumpyVersion(np.__version__) >= "2.0.0" and not _reads_arrays():
            raise pb_utils.TritonModelException("this server's Python backend needs numpy<2: pip install it")
        given = {
            name: found["string_value"]
            for name, found in json.loads(args["model_config"])["parameters"].items()
        }
        folder = Path(args["model_repository"]) / args["model_version"]
        self.classifier = Classifier(
            folder / given["engine"],
            device=given["device"],
            up=given["up"],
            unit=given["unit"] or None,
            always_answer=given["always_answer"] == "true",
        )
        self.classifier.warmup()

    def execute(self, requests: list) -> list:  # type: ignore[type-arg]
        """Answers what Triton has gathered: requests of one cloud or of several, [B, N, 3], N as it comes.

        All clouds go through the engine together. A request with one that cannot be used is an error, and
        the others are answered.
        """
        clouds = [pb_utils.get_input_tensor_by_name(request, "points").as_numpy() for request in requests]
        errors: dict[int, C2PError] = {}
        found: list[Prediction] = []
        while len(errors) < len(requests):
            asked = [(row, cloud) for row, some in enumerate(clouds) if row not in errors for cloud in some]
            try:
                found = self.classifier.batch([cloud for _, cloud in asked])
                break
            except UnusableCloudError as error:
                row = asked[error.index][0]
                errors[row] = self._own_error(clouds[row], error)
        left = iter(found)
        return [
            _refusal(errors[row]) if row in errors else _answer([next(left) for _ in some])
            for row, some in enumerate(clouds)
        ]

    def _own_error(self, clouds: npt.NDArray[np.float32], error: C2PError) -> C2PError:
        """The error as one of this request alone, which counts its own clouds."""
        try:
            self.classifier.batch(list(clouds))
        except C2PError as own:
            return own
        return error

    def finalize(self) -> None:
        """Lets go of the engine."""
        self.classifier.close()


def _reads_arrays() -> bool:
    """Whether the server gives arrays as they are: built for NumPy 1, it garbles NumPy 2's in silence."""
    given = np.array([1, 2], np.float32)
    tensor = pb_utils.Tensor.from_dlpack("two", given)
    return bool((tensor.as_numpy() == given).all())


def _answer(found: list[Prediction]) -> object:
    """The response of one request, a row for each of its clouds. A label that is not given is empty."""
    texts = {
        "label": [one.label or "" for one in found],
        "guess": [one.guess for one in found],
        "reason": [one.reason or "" for one in found],
    }
    tensors = [
        pb_utils.Tensor(name, np.array([[text.encode()] for text in column], dtype=np.object_))
        for name, column in texts.items()
    ]
    sure = np.array([[one.confidence] for one in found], dtype=np.float32)
    scores = np.stack([one.scores for one in found])
    tensors += [pb_utils.Tensor("confidence", sure), pb_utils.Tensor("scores", scores)]
    return pb_utils.InferenceResponse(output_tensors=tensors)


def _refusal(error: C2PError) -> object:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
