"""Between a robot's sensors and the classifier: streams of frames, and recordings in place of a sensor."""
