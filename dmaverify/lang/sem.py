"""Semantic types: what an expression of the language means, before it becomes an IR value.

The checker gives every expression one of these types; ``dmaverify.lang.layout`` maps each to an IR type.
Structural types (integers, maps, sets, tuples, nullable types) compare by their parts. Nominal types
(records, objects, enums, indexes, address spaces) compare by identity: two declarations are two types, even
with the same text.

============ ========================================= ========================================
type         written                                   IR type (``Layout.ir_type``)
============ ========================================= ========================================
``BoolT``    ``bool``                                  ``Bool``
``IntT``     ``i32``, ``u64 bytes``, ``i32 pages``     ``Int``; units are gone
``SpaceT``   ``type phys : u64 bytes``                 that of its base
``RangeT``   ``0..4``, ``1..=4``                       ``Range``
``EnumT``    ``enum E { a, b(u32) }``                  ``Enum``; with payloads ``Record``
``FlagsT``   ``flags F { R, W }``                      ``Flags``
``BitsT``    ``bits prot : u64 { .. }``                that of its base
``IndexT``   ``index I n``, blocks, Region, Device     ``Index``
``ObjT``     ``object Pool max 2 { .. }``              ``Index``: which of the instances
``RecordT``  ``record R { .. }``                       ``Record``
``TupleT``   ``(handled: bool, ret: Buffer?)``         ``Record`` with fields ``0``, ``1`` or names
``OptT``     ``T?``                                    ``Opt``
``MapT``     ``Level, Line -> T``                      ``Map``, one level for each key
``SetT``     ``set of T``                              ``Mask`` of what is index-like, else cells
``ListT``    ``list max N of T``                       ``Record`` of count and cells
``LockT``    ``spinlock``                              ``Bool``: held
``IterT``    ``a..b``, ``p.cells``                     none: taken apart where it is used
``PlaceT``   ``rx.data`` of a ``place``                none: where it lies is known
``VoidT``    a proc without a result                   none
``NullT``    ``null`` before it has a type             none: never left after checking
``LitT``     a number before it has a type             none: never left after checking
``ErrorT``   what an error was reported about          none
============ ========================================= ========================================

An enum with payloads is a record of ``tag`` and one field ``case.i`` for each payload value of each case;
payloads of other cases hold their defaults. A set that is no mask is an expression, or kept in
``Layout.capacity`` cells where it is the type of a variable or ghost.

The types are in three files: basic ones; named ones; those that are made of others.
"""

from dmaverify.lang.sem_basic import *  # noqa: F403
from dmaverify.lang.sem_made import *  # noqa: F403
from dmaverify.lang.sem_named import *  # noqa: F403
