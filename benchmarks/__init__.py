"""Speed beside PyTorch: the same workload, written once, run on both libraries in turn."""
