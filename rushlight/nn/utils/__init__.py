"""Helpers for parameters and gradients."""
