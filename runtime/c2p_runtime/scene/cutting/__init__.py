"""What cuts a scene: what is up, voxels, supports, ground, parts and boxes."""
