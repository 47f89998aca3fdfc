"""Clouds as depth cameras and LiDARs deliver them, made from meshes and from dense clouds."""
