"""`c2p-bench`: how long a cloud takes on this machine, and how far that is from what the board could do."""
