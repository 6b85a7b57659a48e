"""Helpers around tensors and networks: `hooks`, `data`."""
