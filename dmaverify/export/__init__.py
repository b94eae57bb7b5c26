"""Systems in the input languages of other tools, for people who trust another tool more.

``choose`` says which System is meant and what makes it wrong; each other module writes one format. All of them are for
core IR, so that what an operator means is said in ``engines.smt.encode`` for everything symbolic, and in ``ccode`` for what
becomes C.
"""
