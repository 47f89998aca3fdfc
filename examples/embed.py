"""A classifier inside a robot's own program: of a sensor's frames always the newest, as fast as can be.

    python examples/embed.py drive.bag

A recording stands in for the sensor; your driver's callback would call `stream.submit` instead.
"""

import sys

from c2p_deploy.io.recording import open_recording
from c2p_runtime import Classifier, SceneClassifier, Stream
from c2p_runtime.robot.replay import replay
from c2p_runtime.scene.tracks import Tracks

tracks = Tracks()


def act(result):  # in the worker's thread: what takes long here delays the next frame
    if result.error is not None:
        print(f"frame {result.frame.number}: {result.error}", file=sys.stderr)
        return
    for track in tracks.update(result.value):
        x, y, z = track.box.center
        name = track.label or f"unknown ({track.guess}?)"
        print(f"frame {result.frame.number}: #{track.id} {name} at ({x:.2f}, {y:.2f}, {z:.2f})")


with Classifier() as clf, SceneClassifier(clf) as scene_clf:
    clf.warmup()
    with Stream(lambda frame: scene_clf(frame.points), on_result=act) as stream:
        for frame in replay(open_recording(sys.argv[1])):
            stream.submit(frame)  # never waits
    print(stream.stats, file=sys.stderr)
