"""Machine code of LLVM text. The only module that imports llvmlite, and only when a function of it is called."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

from dmaverify.engines.native.emit import NotNative
from dmaverify.engines.native.kernel import Kernel

_ready = False


@dataclass(frozen=True)
class Effort:
    """How much is done to make code fast.

    ``level``: LLVM's own pipeline of that level, from 0 to 3; None: only ``passes``, a few that cost little, function by function.
    ``codegen``: how carefully instructions are chosen, from 0 to 3.
    """

    level: int | None
    codegen: int
    passes: tuple[str, ...] = ()


_REGISTERS, _COMBINE, _FLOW = "add_sroa_pass", "add_instruction_combine_pass", "add_simplify_cfg_pass"

NONE = Effort(0, 0)
PLAIN = Effort(None, 0, (_REGISTERS,))
QUICK = Effort(None, 0, (_REGISTERS, _FLOW))
TIDY = Effort(None, 0, (_REGISTERS, _COMBINE, _FLOW))
CAREFUL = Effort(None, 1, (_REGISTERS, _COMBINE, _FLOW))
SOME = Effort(1, 1)
MUCH = Effort(2, 2)
"""From the least to the most. ``TIDY`` takes a quarter of the time of ``MUCH``, and what it makes is hardly slower: a search waits for
memory most of the time.
"""


def _llvm() -> Any:
    global _ready
    try:
        import llvmlite.binding as llvm
    except (ImportError, OSError) as error:  # no package, or none of its library for this machine
        raise NotNative("llvmlite is not installed") from error
    if not _ready:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _ready = True
    return llvm


class Code:
    """Compiled modules; keeps them alive."""

    def __init__(self, *modules: tuple[str, Effort]) -> None:
        """``modules``: texts, each with how much is to be done for it."""
        llvm = _llvm()
        target = llvm.Target.from_default_triple()
        self._engine: Any = None
        self._machines = []
        cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        for text, effort in modules:
            machine = target.create_target_machine(cpu=cpu, features=features, opt=effort.codegen, codemodel="jitdefault")
            module = llvm.parse_assembly(text)
            module.triple, module.data_layout = machine.triple, str(machine.target_data)
            _optimise(llvm, module, machine, effort)
            if self._engine is None:
                self._engine = llvm.create_mcjit_compiler(module, machine)
            else:
                self._engine.add_module(module)
            self._machines.append(machine)
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function is."""
        address = int(self._engine.get_function_address(name))
        if not address:
            raise KeyError(name)
        return address

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        """A function to be called from Python; the interpreter lock is released meanwhile."""
        return ctypes.CFUNCTYPE(result, *arguments)(self.address(name))


@cache
def kernel(words: int, symmetric: bool = False, walking: bool = False) -> Code:
    """The part that depends on the width of states only; other modules find its ``record`` under the name ``record_name``."""
    code = Code((Kernel(words, symmetric).text(walking), CAREFUL))
    _llvm().add_symbol(record_name(words), code.address("record"))
    return code


def record_name(words: int) -> str:
    """What the function that records hits is called outside of its module."""
    return f"dmaverify_record{words}"


def _optimise(llvm: Any, module: Any, machine: Any, effort: Effort) -> None:
    options = llvm.create_pipeline_tuning_options(speed_level=effort.level or 0)
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_interleaving = False
    builder = llvm.create_pass_builder(machine, options)
    if effort.level is not None:
        builder.getModulePassManager().run(module, builder)
        return
    passes = llvm.create_new_function_pass_manager()
    for add in effort.passes:
        getattr(passes, add)()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
