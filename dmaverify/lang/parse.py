"""Text to syntax tree: `parse_file`, `parse_text`.

Whatever the input, the outcome is a tree or a `DmaError`.  Several mistakes are reported in one run: behind
one, reading goes on at the next line that starts with a declaration at its left edge.
"""

from __future__ import annotations

from pathlib import Path

from dmaverify import texts
from dmaverify.lang import ast
from dmaverify.lang.build_scenario import FileBuilder
from dmaverify.lang.diag import Diagnostic, Diagnostics, DmaError, Source, remember
from dmaverify.lang.expected import describe
from dmaverify.lang.lalr import Parse, SyntaxProblem, TooDeep
from dmaverify.lang.limits import MAX_ERRORS, MAX_FILE_BYTES, MAX_TREE_DEPTH
from dmaverify.lang.tables import grammar
from dmaverify.lang.tokens import Token, Tokens
from dmaverify.lang.tree import deeper_than
from dmaverify.span import Span

SCENARIO_ONLY = (
    ast.Hardware,
    ast.Region,
    ast.Place,
    ast.Device,
    ast.OptionSet,
    ast.ParamDecl,
    ast.Sequence,
    ast.Client,
    ast.Interrupt,
    ast.Check,
    ast.Expect,
    ast.Faults,
    ast.Start,
    ast.ReplaceStep,
    ast.DropStep,
    ast.Variant,
)
"""What a module may not hold."""


def read_source(path: Path, shown: str | None = None) -> Source:
    """The text of a file, which is remembered for diagnostics.  Raises DmaError where there is none."""
    name = shown or str(path)
    nowhere = Span(name, 1, 1, 1, 1)
    try:
        if texts.replaced(path):
            return decode(texts.read_text(path).encode("utf-8", "surrogatepass"), name)
        size = path.stat().st_size
        if size > MAX_FILE_BYTES and path.is_file():
            raise _failure(
                "DMA004", f"the file has {size:,} bytes; at most {MAX_FILE_BYTES:,} are allowed", nowhere
            )
        data = path.read_bytes()
    except OSError as e:
        raise _failure("DMA008", f"cannot be read: {(e.strerror or str(e)).lower()}", nowhere) from None
    except ValueError:
        raise _failure("DMA008", "this is no name of a file", nowhere) from None
    return decode(data, name)


def decode(data: bytes, name: str) -> Source:
    """Bytes as a text that can be parsed.  Raises DmaError where they are none."""
    start = Span(name, 1, 1, 1, 1)
    if len(data) > MAX_FILE_BYTES:
        raise _failure(
            "DMA004", f"the file has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are allowed", start
        )
    zero = data.find(0)
    if zero >= 0:
        raise _failure("DMA003", f"a NUL at byte {zero}: this is no text", start)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise _failure("DMA003", f"byte {e.start} is not UTF-8: this is no text", start) from None
    source = Source(name, text.replace("\r\n", "\n"))
    remember(source)
    return source


def parse_file(path: Path | str, shown: str | None = None) -> ast.Module | ast.Scenario:
    """The tree of a file.  `shown` is what diagnostics call it.  Raises DmaError."""
    return parse_source(read_source(Path(path), shown))


def parse_text(text: str, name: str = "<text>") -> ast.Module | ast.Scenario:
    """The tree of a text.  Raises DmaError."""
    return parse_source(decode(text.encode("utf-8", "surrogatepass"), name))


def parse_source(source: Source) -> ast.Module | ast.Scenario:
    """The tree of a text that has been read.  Raises DmaError."""
    diags = Diagnostics()
    lexed = Tokens(source, diags)
    diags.raise_errors()
    tree = _Reader(source, lexed.tokens, diags).read()
    diags.raise_errors()
    assert tree is not None
    return tree


class _Reader:
    """Parses a list of tokens, again and again behind mistakes."""

    def __init__(self, source: Source, tokens: list[Token], diags: Diagnostics) -> None:
        self._path = source.path
        self._tokens = tokens
        self._diags = diags
        self._handlers = FileBuilder(source, diags).handlers()

    def read(self) -> ast.Module | ast.Scenario | None:
        """The tree, or None where something was reported."""
        if len(self._tokens) == 1:
            self._diags.error("DMA007", "the file is empty", Span(self._path, 1, 1, 1, 1), fix=_HEADER)
            return None
        first = self._tokens[0]
        if first.text not in ("module", "scenario"):
            what = "the file does not start with `module` or `scenario`"
            self._diags.error("DMA007", what, first.span(self._path), fix=_HEADER)
        start = 0
        while True:
            tokens = self._tokens[start:]
            try:
                parse = Parse(tokens, self._handlers)
                result = parse.run()
            except SyntaxProblem as problem:
                self._diags.add(describe(problem, tokens, self._path, start == 0))
                start = self._resume(max(start + problem.index, start + 1))
            except TooDeep as deep:
                self._diags.error("DMA005", "nested too deeply", tokens[deep.index].span(self._path))
                return None
            else:
                if not isinstance(result, ast.Module | ast.Scenario):
                    return None
                return self._sound(result, parse.depth)
            if start < 0 or self._diags.count >= MAX_ERRORS:
                return None

    def _resume(self, index: int) -> int:
        """Where the next declaration starts, from token `index` on, or -1."""
        starters = grammar().starters
        for i in range(index, len(self._tokens)):
            token = self._tokens[i]
            if token.col == 1 and token.text in starters:
                return i
        return -1

    def _sound(self, file: ast.Module | ast.Scenario, depth: int) -> ast.Module | ast.Scenario | None:
        if depth > MAX_TREE_DEPTH and (node := deeper_than(file, MAX_TREE_DEPTH)) is not None:
            self._diags.error("DMA005", "nested too deeply", node.span)
            return None
        if isinstance(file, ast.Module):
            for item in file.items:
                if isinstance(item, SCENARIO_ONLY):
                    self._diags.error(
                        "DMA014", "this belongs to a scenario, and the file is a module", _head(item)
                    )
                elif isinstance(item, ast.Remove) and file.amends is None:
                    self._diags.error(
                        "DMA014", "`remove` takes something from a module that this one amends", item.span
                    )
        else:
            self._variants(file)
        return file

    def _variants(self, file: ast.Scenario) -> None:
        for item in file.items:
            if isinstance(item, ast.Variant):
                for inner in item.items:
                    if isinstance(inner, ast.Variant):
                        self._diags.error(
                            "DMA014", "a variant holds no variants; write `variant … from …`", _head(inner)
                        )


_HEADER = "A .dma file starts with  module NAME  (the name says where it is) or  scenario NAME ."


def _head(item: ast.Node) -> Span:
    """The first line of something, for what is said about the whole of it."""
    span = item.span
    return span if span.line == span.end_line else Span(span.file, span.line, span.column, span.line, 10_000)


def _failure(code: str, message: str, span: Span) -> DmaError:
    return DmaError([Diagnostic(code, message, span)])
