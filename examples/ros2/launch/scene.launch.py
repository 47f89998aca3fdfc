"""ros2 launch c2p_ros2 scene.launch.py points:=/camera/depth/color/points"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description():
    parameters = Path(get_package_share_directory("c2p_ros2")) / "config" / "scene.yaml"
    return LaunchDescription(
        [
            DeclareLaunchArgument("points", default_value="/points"),
            Node(
                package="c2p_ros2",
                executable="node",
                name="c2p",
                parameters=[str(parameters)],
                remappings=[("/points", LaunchConfiguration("points"))],
                respawn=True,
            ),
        ]
    )
