"""Text features of words that an engine does not know: made on the robot, and kept."""
