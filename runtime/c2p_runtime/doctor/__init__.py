"""`c2p-doctor`: what this machine has of all that an engine can need, and what to do about what it lacks."""
