"""From a cloud to depth maps: the one definition of it, which training, export and the robot share.

`views` and `spec` say what is drawn, `prepare` makes a cloud ready, `reference` is the definition in plain
NumPy, and `compiled` gives the same bits quickly. The CUDA version is in `c2p_runtime.cuda`.
"""
