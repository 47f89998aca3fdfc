from setuptools import setup

setup(
    name="c2p_ros2",
    version="0.1.0",
    packages=["c2p_ros2"],
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/c2p_ros2"]),
        ("share/c2p_ros2", ["package.xml"]),
        ("share/c2p_ros2/launch", ["launch/scene.launch.py"]),
        ("share/c2p_ros2/config", ["config/scene.yaml"]),
    ],
    entry_points={"console_scripts": ["node = c2p_ros2.node:main"]},
)
