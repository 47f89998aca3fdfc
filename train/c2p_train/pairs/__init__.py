"""Image-depth pairs: meshes in, rendered pictures and clouds out, and reading them again."""
