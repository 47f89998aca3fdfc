"""Training encoders against CLIP's text features: the loop, and batches of scans, clouds and pictures."""
