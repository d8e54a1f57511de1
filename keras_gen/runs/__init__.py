"""Training runs: what is asked for, the folder of a run, what happens in it and what comes out."""
