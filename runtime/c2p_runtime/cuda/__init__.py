"""From points on the GPU to depth maps and scores: the kernels, their launch, and CUDA graphs."""
