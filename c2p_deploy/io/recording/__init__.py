"""Recordings of a robot's sensors in, clouds out: ROS 1 bags, rosbag2 (SQLite, MCAP), MCAP of ROS 1.

    for frame in open_recording("drive.mcap"):
        frame.points, frame.stamp, frame.frame_id

One module a format finds the messages in the file; `messages` makes frames of them. The readers of the
formats are our own where a library's take a file's word for how much memory it needs, or give nothing of a
recording that was cut off; what is in a message is read by rosbags, out of definitions that rosbags has,
never the file's.
"""

from c2p_deploy.io.recording.recording import Frame, Recording, open_recording

__all__ = ["Frame", "Recording", "open_recording"]
