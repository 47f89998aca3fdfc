"""A node of ROS 2, by rclpy: a lifecycle node, with the options as parameters.

    python3 -m c2p_runtime.robot.ros2 --topic /points --scene
    python3 -m c2p_runtime.robot.ros2 --managed --ros-args -r points:=/front/points -p scene:=true

It is type-checked against stubs and tested against a stand-in for rclpy; with ROS 2 itself it has not run.
What it does beyond rclpy's part is what the nodes on DDS and Zenoh do, which have.
"""

from __future__ import annotations

from typing import Any

import click

from c2p_deploy import console
from c2p_deploy.errors import MissingDependencyError
from c2p_runtime.options import check_scene_options
from c2p_runtime.robot.node import scene_sizes, with_node_options


@click.command(context_settings={**console.CONTEXT, "ignore_unknown_options": True})
@with_node_options
@click.option("--managed", is_flag=True, help="Wait to be configured and activated by a lifecycle manager.")
@click.argument("ros_args", nargs=-1, type=click.UNPROCESSED, metavar="[--ros-args ...]")
def main(managed: bool, ros_args: tuple[str, ...], **options: Any) -> None:
    """Say what is in the clouds that come over ROS 2."""
    check_scene_options(options["scene"], options["up"], scene_sizes(options), {})
    if ros_args and ros_args[0] != "--ros-args":
        raise click.UsageError(f"No such option or argument: {ros_args[0]}")
    with console.exit_on_error():
        try:
            from c2p_runtime.robot.ros2_node import run
        except ImportError as error:
            raise MissingDependencyError(
                f"a node on ROS 2 needs {(error.name or 'rclpy').partition('.')[0]}",
                "source /opt/ros/DISTRO/setup.bash, and install ros-DISTRO-vision-msgs",
            ) from error
        run(options, list(ros_args), managed)


if __name__ == "__main__":
    console.run(main)
