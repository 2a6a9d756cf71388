"""Arithmetic as a calculator does it: an expression that a model wrote is parsed, never run."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

from groundtune.agents.tasks.environment import ToolRefused

_LONGEST = 200  # characters
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def calculated(expression: str) -> float:
    """Return the value of numbers with +, -, *, / and parentheses, rounded to two decimals. Raises `ToolRefused`.

    >>> calculated("2 * (3.5 + 1)")
    9.0
    """
    if len(expression) > _LONGEST:
        raise ToolRefused(f"the expression is longer than {_LONGEST} characters")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, ZeroDivisionError, RecursionError, MemoryError) as error:
        raise ToolRefused(f"{expression!r} cannot be calculated: {error}") from None
    if not math.isfinite(value):
        raise ToolRefused(f"{expression!r} is too large")
    return round(value, 2)


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
    raise ValueError("only numbers, +, -, *, / and parentheses are known")
