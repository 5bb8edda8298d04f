"""The parts of the networks, one layer a file. Masks are explicit arguments: `True` means a real step.

Legend: `B` batch, `T` time steps, `F` features of an action, `D` model width, `H` hops, `S` sources of the task
layer, `K` candidate categories. Sequences are right-aligned: padding comes first.
"""
