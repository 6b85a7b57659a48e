"""The kernels in plain NumPy: their definition, the oracle of the compiled ones, and what runs without a compiler."""
