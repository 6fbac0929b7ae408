"""The programs of `benchmarks.cold_start`: each trains on the same file until it is right for 97 % of the test set."""
