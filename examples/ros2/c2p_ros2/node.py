"""The node of c2p-deploy as an executable of this package: `ros2 run c2p_ros2 node`."""

from c2p_deploy.start import start


def main() -> None:
    start("c2p_runtime.robot.ros2")
