"""The lifecycle node of `c2p_runtime.robot.ros2`, and the one module that imports rclpy.

Messages pass through rclpy as bytes, both ways: what they hold is read and written as on every other bus, and
a cloud that is dropped is never taken apart.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle import Node as LifecycleNode
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from c2p_deploy.errors import C2PError
from c2p_runtime.robot.node import EVERY, node_core
from c2p_runtime.robot.node_core import NodeCore

NEWEST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)  # as sensors publish; the stream behind it keeps the newest alone anyway
# Parameters, and what stands for "not given" where the option has None, which ROS 2 has not.
PARAMETERS = {
    "engine": "",
    "device": "auto",
    "backend": "auto",
    "labels": "",
    "up": "",
    "always_answer": False,
    "min_confidence": "",
    "scene": False,
    "support": "",
    "min_size": 0.0,
    "max_size": 0.0,
}


class ClassificationNode(LifecycleNode):
    """Loads the engine when it is configured, listens while it is active, lets go of all on cleanup."""

    def __init__(self, options: dict[str, Any]) -> None:
        """options: of the command, as the parameters' defaults."""
        super().__init__(options["name"])
        self._topic: str = options["topic"]
        self._name: str = options["name"]
        for name, empty in PARAMETERS.items():
            self.declare_parameter(name, empty if options[name] is None else options[name])
        self._held, self._active = ExitStack(), ExitStack()
        self._core: NodeCore | None = None

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the engine."""
        given = {name: self.get_parameter(name).value for name in PARAMETERS}
        options = {
            name: None if value in ("", 0.0) and not isinstance(value, bool) else value
            for name, value in given.items()
        }
        outputs = {
            "detections": self.create_lifecycle_publisher(Detection3DArray, "~/detections", 10),
            "markers": self.create_lifecycle_publisher(MarkerArray, "~/markers", 10),
        }
        for publisher in outputs.values():
            self._held.callback(self.destroy_publisher, publisher)
        try:
            self._core = self._held.enter_context(
                node_core(2, lambda what, data: outputs[what].publish(data), {**options, "name": self._name})
            )
        except C2PError as error:
            self.get_logger().error(str(error))
            self._held.close()
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begins to listen."""
        core = self._core
        assert core is not None
        diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        timer = self.create_timer(EVERY, lambda: diagnostics.publish(core.msgs.encode(core.diagnostics())))
        clouds = self.create_subscription(PointCloud2, self._topic, core.on_cloud, NEWEST, raw=True)
        labels = self.create_subscription(String, "~/labels", core.on_labels, 10, raw=True)
        for subscription in (labels, clouds):
            self._active.callback(self.destroy_subscription, subscription)
        self._active.callback(self.destroy_publisher, diagnostics)
        self._active.callback(self.destroy_timer, timer)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens no more; the engine stays."""
        self._active.close()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lets go of the engine."""
        self.let_go()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Ends, from whatever state."""
        self.let_go()
        return TransitionCallbackReturn.SUCCESS

    def let_go(self) -> None:
        """Of all that was made since. May be called again."""
        self._active.close()
        self._held.close()  # the core first, then what it publishes with
        self._core = None


def run(options: dict[str, Any], ros_args: list[str], managed: bool) -> None:
    """Runs the node until ROS, Ctrl-C or SIGTERM ends it. Raises C2PError where it cannot be configured."""
    rclpy.init(args=ros_args)
    node = ClassificationNode(options)
    try:
        if not managed:
            if node.trigger_configure() is not TransitionCallbackReturn.SUCCESS:
                raise C2PError("the node cannot be configured", "see its log")
            node.trigger_activate()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.let_go()
        node.destroy_node()
        rclpy.try_shutdown()
