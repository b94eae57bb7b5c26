"""Whether a model shows nothing that an abstract contract does not: ``dmaverify refine``.

``sides`` makes two Systems of one scenario, one over its models and one over the contract; ``contract`` and ``search`` look for
a word of the first that is none of the second; ``confirm`` lets the interpreter do it before anybody is told; ``run`` goes
through scenarios and variants, and ``results`` is what comes out.
"""
