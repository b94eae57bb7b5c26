"""Explicit search as native code, made with llvmlite while the tool runs: no C compiler, no files.

``layout`` packs states into words, ``emit`` and ``actions`` write a System as LLVM functions, ``kernel`` is the part that is the same
for every System (hash table, frontier), ``jit`` makes machine code of both, ``search`` drives it level by level, and ``engine``
is what the rest of the tool sees. Nothing here is imported, and llvmlite least of all, before a search turns out not to be small.
"""
