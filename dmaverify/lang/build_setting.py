"""Makes nodes of settings: the words and values of `hardware`, `region` and `device` blocks."""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.build_decl import CodeBuilder
from dmaverify.lang.build_expr import Children
from dmaverify.lang.build_stmt import Clause
from dmaverify.lang.tokens import Token
from dmaverify.span import Span

_BASIC_TYPES = ("bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")


class _End:
    """A comma or the end of a line between settings."""


class SettingBuilder(CodeBuilder):
    """`hardware`, `region` and `device` blocks: words and values, one after the other."""

    def on_setting_end(self, c: Children, a: Token, z: Token) -> _End:
        return _End()

    def on_setting_block(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("block", c[0], z)

    def on_setting_negative(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Unary(self.at(a, z), "-", ast.IntLit(self.tok(c[0]), c[0].value, c[0].sized))

    def on_setting_unit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.UnitOf(self.at(a, z), ast.IntLit(self.tok(c[0]), c[0].value, c[0].sized), c[1].text)

    def on_setting_range(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Range(self.at(a, z), "..", c[0], c[1])

    def on_setting_range_incl(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Range(self.at(a, z), "..=", c[0], c[1])

    @staticmethod
    def setting_value(value: ast.Expr) -> ast.Expr:
        """`on`, `off` and `any` are values here."""
        if isinstance(value, ast.Name):
            if value.name in ("on", "off"):
                return ast.BoolLit(value.span, value.name == "on")
            if value.name == "any":
                return ast.AnyType(value.span, None)
        return value

    def on_settings(self, c: Children, a: Token, z: Token) -> list[ast.Setting]:
        """Groups words and values: a name, then perhaps a value on the same line, then perhaps a block."""
        out: list[ast.Setting] = []
        i = 0
        while i < len(c):
            part = c[i]
            i += 1
            if isinstance(part, _End):
                continue
            if not isinstance(part, ast.Name):
                span = part.span if isinstance(part, ast.Expr) else self.at(a, z)
                self.diags.error("DMA001", "a setting starts with its name", span)
                continue
            negated = _is_no(c, i - 1)
            if negated:
                part = c[i]
                i += 1
            setting = ast.Setting(part.span, part.name, part.span, negated, None, None)
            if not negated and i < len(c) and isinstance(c[i], ast.Expr) and not _is_no(c, i):
                value = self.setting_value(c[i])
                i += 1
                if isinstance(value, ast.AnyType) and i < len(c) and _is_basic_type(c[i]):
                    value.type = ast.TypeName(c[i].span, c[i].name, None)
                    i += 1
                setting.value = value
                setting.span = join(setting.span, value.span)
            if not negated and i < len(c) and isinstance(c[i], Clause):
                setting.block = c[i].value
                setting.span = join(setting.span, self.tok(c[i].token))
                i += 1
            out.append(setting)
        return out

    def on_hardware(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.Hardware(self.at(a, z), c[0])

    def on_region(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Region(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def on_device(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Device(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def on_option_set(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.OptionSet(self.at(a, z), c[0].text, c[0].span, self.setting_value(c[1]))


def _is_no(parts: Children, i: int) -> bool:
    """Whether `no NAME` stands there."""
    word = parts[i]
    return (
        isinstance(word, ast.Name)
        and word.name == "no"
        and i + 1 < len(parts)
        and isinstance(parts[i + 1], ast.Name)
    )


def _is_basic_type(part: Any) -> bool:
    return isinstance(part, ast.Name) and part.name in _BASIC_TYPES


def join(first: Span, last: Span) -> Span:
    """From the start of one place to the end of another."""
    return Span(first.file, first.line, first.column, last.end_line, last.end_column)
