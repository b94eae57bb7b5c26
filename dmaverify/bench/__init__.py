"""``dmaverify bench``: the explicit search beside SPIN and Murphi (rumur), on the same models. For development: it needs a checkout,
and the tools that it compares with.

``cases`` says what is compared, ``tools`` runs each tool once, ``measure`` runs them in turn, ``growth`` runs our own in all sizes,
``page`` writes what came out. The models of other tools are written by the scripts in ``bench/peers``. ``explore`` is a program of
its own: one search in a process of its own.
"""
