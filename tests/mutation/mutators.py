"""The one-line changes that mutants.py tries: each is a slip that somebody could make."""

import ast
import json
from collections.abc import Iterator

SWAPS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Lt: ("<", "<=", ">="), ast.LtE: ("<=", "<", ">"),
    ast.Gt: (">", ">=", "<="), ast.GtE: (">=", ">", "<"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"), ast.Or: ("or", "and"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"), ast.Pow: ("**", "*"),
}
OTHER_NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum",
    "maximum": "minimum", "clamp_min": "clamp_max", "clamp_max": "clamp_min", "floor": "ceil",
    "zeros": "ones", "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like",
    "randn": "zeros", "randn_like": "zeros_like", "fullmatch": "match",
}
# x.detach() -> x, for those that give back something of the same kind.
DROPPED_METHODS = {
    "abs", "clamp", "clamp_max", "clamp_min", "clone", "contiguous", "detach", "double", "eval",
    "exp", "expanduser", "flip", "float", "log", "lower", "resolve", "round", "sigmoid", "sqrt",
    "square", "strip", "tanh",
}
SYMMETRIC = {"min", "max", "minimum", "maximum", "equal", "allclose", "isclose", "gcd"}
CHECKS = {"isinstance", "issubclass", "hasattr", "getattr", "setattr"}  # swapped, they only crash
SPEECH = {"print", "debug", "info", "warning", "warn", "error", "exception"}  # arguments are text
DECLARATIONS = {"dataclass", "TypeVar", "NewType"}
# Keywords that stay: help texts, and encoding="utf-8", which is the default where tests run.
KEPT_KEYWORDS = {"help", "metavar", "description", "epilog", "usage", "encoding"}

Change = tuple[int, str, str]  # line, before, after: whole lines, but for the first one's indent


def mutations(text: str) -> Iterator[Change]:
    """Every change of a source file that is still Python, and not the same Python."""
    tree = ast.parse(text)
    finder = _Finder(text)
    finder.visit(tree)
    same = ast.dump(tree)
    for start, end, new in dict.fromkeys(finder.found):
        source = finder.source
        try:
            if ast.dump(ast.parse(source[:start] + new.encode() + source[end:])) == same:
                continue
        except SyntaxError:
            continue
        first = source.rfind(b"\n", 0, start) + 1
        first += len(source[first:]) - len(source[first:].lstrip(b" "))
        last = source.find(b"\n", end) % (len(source) + 1)
        before = source[first:last].decode()
        after = (source[first:start] + new.encode() + source[end:last]).decode()
        yield source.count(b"\n", 0, start) + 1, before, after


def _name(node: ast.expr) -> str:
    """The last name of a dotted one: equal of torch.equal."""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _is_prose(node: ast.expr | None) -> bool:
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(_is_prose, node.elts))
    text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    return text or isinstance(node, ast.JoinedStr)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)


class _Finder(ast.NodeVisitor):
    """Notes in `found` what could stand where: start and end (bytes) and the new text."""

    def __init__(self, text: str) -> None:
        self.source = text.encode()
        self.found: list[tuple[int, int, str]] = []
        self.line_starts = [0]
        for line in self.source.splitlines(keepends=True):
            self.line_starts.append(self.line_starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        start, end = self.line_starts[node.lineno - 1], self.line_starts[node.end_lineno - 1]
        return start + node.col_offset, end + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def put(self, node: ast.AST, new: str) -> None:
        self.found.append((*self.span(node), new))

    def swap(self, operator: ast.AST, left: ast.AST, right: ast.AST) -> None:
        token, *others = SWAPS.get(type(operator), ("",))
        start = self.source.find(token.encode(), self.span(left)[1], self.span(right)[0])
        self.found += [(start, start + len(token), other) for other in others]

    def drop(self, spans: list[tuple[int, int]], index: int) -> None:
        """One item of several, with the comma or operator next to it."""
        if index:
            self.found.append((spans[index - 1][1], spans[index][1], ""))
        else:
            self.found.append((spans[0][0], (spans[1:] or [spans[0][::-1]])[0][0], ""))

    # Statements.

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        if _name(node.test) == "TYPE_CHECKING" or self.text(node.test).startswith("__name__"):
            return
        self.put(node.test, "True")
        self.put(node.test, "False")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit_If(node)

    def visit_While(self, node: ast.While) -> None:
        self.put(node.test, "False")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, (ast.Call, ast.Await)):
            self.put(node, "pass")
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """An invariant of ours: no test can see it broken."""

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(_name(target) == "__all__" for target in node.targets):
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.swap(node.op, node.target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, node.args, *node.body]:
            self.visit(part)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_arg(self, node: ast.arg) -> None:
        """Nothing but an annotation."""

    # Expressions.

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Text; and before Python 3.12 the places inside are wrong."""

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            self.swap(operator, left, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for index, (left, right) in enumerate(zip(node.values, node.values[1:], strict=False)):
            self.swap(node.op, left, right)
            self.drop([self.span(value) for value in node.values], index)
        self.drop([self.span(value) for value in node.values], len(node.values) - 1)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not (_is_text(node.left) or _is_text(node.right)):  # folder / "name" * would only crash
            self.swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, (ast.Not, ast.USub)):
            self.put(node, self.text(node.operand))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.put(node, str(not value))
        elif isinstance(value, int):
            self.put(node, str(value + 1))
        elif isinstance(value, float):
            self.put(node, repr(2 * value or 1.0))

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        end = self.span(node.func)[1]
        if name in OTHER_NAMES:
            self.found.append((end - len(name), end, OTHER_NAMES[name]))
        if name in DROPPED_METHODS and isinstance(node.func, ast.Attribute):
            self.put(node, self.text(node.func.value))
        self.visit(node.func)
        if name in SPEECH | DECLARATIONS:
            return
        first, second, *_ = [*node.args, None, None]
        if second and name not in SYMMETRIC | CHECKS and not isinstance(first, ast.Starred):
            between = self.source[self.span(first)[1] : self.span(second)[0]].decode()
            new = self.text(second) + between + self.text(first)
            self.found.append((self.span(first)[0], self.span(second)[1], new))
        passed = sorted([*node.args, *node.keywords], key=self.span)
        for index, item in enumerate(passed):
            if name == "zip" and isinstance(item, ast.keyword):
                continue  # strict: an invariant of ours, as an assert
            keyword = isinstance(item, ast.keyword) and item.arg not in KEPT_KEYWORDS
            if keyword and not _is_prose(item.value):
                self.drop([self.span(one) for one in passed], index)
            self.visit(item)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            self.put(node.slice, json.dumps(node.slice.value + "_"))
        self.generic_visit(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        for bound in (node.lower, node.upper, node.step):
            if bound:
                self.put(bound, "")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        spans = []
        for key, value in zip(node.keys, node.values, strict=True):
            start, end = self.span(value)
            spans.append((self.span(key)[0] if key else self.source.rfind(b"**", 0, start), end))
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self.put(key, json.dumps(key.value + "_"))
        for index, value in enumerate(node.values):
            if not _is_prose(value):
                self.drop(spans, index)
        self.generic_visit(node)

    def visit_List(self, node: ast.List | ast.Set) -> None:
        for index, item in enumerate(node.elts):
            if not _is_prose(item):
                self.drop([self.span(one) for one in node.elts], index)
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self.visit_List(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Only longer ones, in brackets: two or three values are rarely a list of things."""
        if len(node.elts) > 2 and self.text(node).startswith("(") and not _is_prose(node):
            for index in range(len(node.elts)):
                self.drop([self.span(one) for one in node.elts], index)
        self.generic_visit(node)
