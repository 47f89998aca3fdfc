"""The other side of a node of ROS 1: a program of its own, since rospy sets up the logging of its process.

python ros1_exchange.py ENGINE
"""

from __future__ import annotations

import runpy
import sys
import threading

DEBIAN = "/usr/lib/python3/dist-packages"  # behind everything else, so that nothing of ours is taken from it
sys.path.append(DEBIAN)


def main(engine: str) -> None:
    import rospy

    from bus import Robot, exchange, node
    from c2p_runtime.robot.messages import messages
    from c2p_runtime.robot.ros1 import Ros1Bus

    bus = Ros1Bus("robot")
    threading.Thread(target=bus.spin, args=(threading.Event(), lambda: None), daemon=True).start()
    arguments = ("--engine", engine, "--device", "cpu", "--scene", "--always-answer")
    exchange(Robot(bus, messages(1)), lambda: node("c2p_runtime.robot.ros1", *arguments, through=__file__))
    assert rospy.get_param("/c2p/class_names") == ["cup", "box", "rod"]  # of the node that was started again
    bus.close()


if __name__ == "__main__":
    if sys.argv[1] == "-m":  # a module, run with Debian's packages at hand
        module = sys.argv[2]
        sys.argv = sys.argv[2:]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        main(sys.argv[1])
