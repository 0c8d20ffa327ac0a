"""What only a board can settle: a folder of models to run there, and its answers as evidence of grade `device`."""
