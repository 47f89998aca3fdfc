"""Names clouds from Python.

python examples/classify.py examples/clouds/chair.ply examples/clouds/bed.npy
"""

import sys

from c2p_deploy import read_cloud
from c2p_runtime import Classifier

classifier = Classifier()  # the bundled model; z is up
for path in sys.argv[1:]:
    prediction = classifier(read_cloud(path))
    top3 = ", ".join(f"{label} {score:.2f}" for label, score in prediction.top(3))
    name = prediction.label or f"unknown ({prediction.guess}?), {prediction.reason}"
    print(f"{path}: {name}  ({top3})")
