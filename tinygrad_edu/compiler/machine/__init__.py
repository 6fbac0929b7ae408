"""A program as machine code, by Numba: loops in the place of NumPy's calls, and a whole epoch in one function.

``folding`` takes out what a loop need not do; ``forms`` says over which entries each instruction goes; ``nests``,
``joining``, ``loops``, ``parts`` and ``fusion`` decide which share a loop; ``matrices``, ``products`` and ``blas``
multiply; ``memory`` decides what lies where; ``source`` writes it down, with ``writer``, ``nest_source``,
``product_source`` and ``expressions``; ``functions`` are what the source calls; ``cache`` keeps it compiled; ``step``
runs it. Nothing here is loaded before it is asked for.
"""
