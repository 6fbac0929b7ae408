"""Every claim about speed and memory, each with the program that measures it: ``python -m benchmarks``."""
