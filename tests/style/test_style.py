"""What is agreed about the source, read from the source: nothing is imported."""

import ast
import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
SOURCE = {".py", ".jinja", ".js", ".css"}

FLOORS = (
    "check physics units quantise smooth randomness newton engine threads provenance files style dataset yaml_tree",
    "parameter",
    "ports part parameter_file ageing waveform surrogate",
    "devices",
    "netlist dependency layout ordering compile carrier circuit draw solution trajectory noise linearised",
    "stepping analyses",
    "learning",
    "chip",
    "compare runs variability budget sweep fit variant",
    "exchange plot plot_analyses plot_fit plot_sweep plot_budget plot_variants",
    "report",
    "registry cli",
)
"""The rooms of devsim, ground up: a room imports from its own floor and from those below. `devsim` itself is the roof."""

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}


@functools.cache
def files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def assert_none(found):
    """`found`: (path, line, words) of every place that breaks a rule."""
    lines = sorted({f"{path.relative_to(ROOT)}:{line}: {words}" for path, line, words in found})
    assert not lines, "\n" + "\n".join(lines)


# --- Rules for one file: each tells (line, words) where a tree breaks it ---------------------------


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def long_functions(tree):
    """Functions of `LONGEST_FUNCTION` lines or more, signature and docstring included."""
    for node in functions(tree):
        if (length := node.end_lineno - node.lineno + 1) >= LONGEST_FUNCTION:
            yield node.lineno, f"`{node.name}` has {length} lines; at most {LONGEST_FUNCTION - 1}"


def undocumented(tree, name=""):
    """Public modules, classes, methods and functions without a docstring."""
    if not ast.get_docstring(tree):
        yield getattr(tree, "lineno", 1), f"`{name}` has no docstring" if name else "the module has no docstring"
    if isinstance(tree, ast.Module | ast.ClassDef):
        for node in tree.body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not node.name.startswith("_"):
                yield from undocumented(node, f"{name}.{node.name}".lstrip("."))


def run_text(tree):
    """What runs text or bytes from outside as code: eval, exec, pickle and its kin."""
    unsafe = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}
    for node in calls(tree):
        if isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
            yield node.lineno, f"calls `{node.func.id}`"
        if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
            yield node.lineno, "allows pickle"
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in unsafe:
                yield node.lineno, f"imports `{name}`"


def bare_excepts(tree):
    """`except:` without a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "`except:` without a class of error"


def unworded_raises(tree):
    """`pytest.raises` that does not pin the words of the error."""
    for node in calls(tree):
        called = ast.unparse(node.func)
        if called in {"pytest.raises", "raises"} and not any(k.arg == "match" for k in node.keywords):
            yield node.lineno, f"`{called}` without `match=`"


def default_keys(tree):
    """A random key or seed that nobody chose: a default argument or the default of a field."""
    defaults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            defaults += zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)
            defaults += [(arg, value) for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value]
        if isinstance(node, ast.ClassDef):
            defaults += [(field.target, field.value) for field in node.body if isinstance(field, ast.AnnAssign) and field.value]
    for target, value in defaults:
        name = getattr(target, "arg", getattr(target, "id", ""))
        makers = [ast.unparse(call.func) for call in calls(value)]
        made = any(re.search(r"(\brandom|\bjr)\.(key|PRNGKey)$|^PRNGKey$", maker) for maker in makers)
        chosen = name == "key" and isinstance(value, ast.Constant) and value.value is not None
        if made or chosen:
            yield value.lineno, f"`{name}` defaults to `{ast.unparse(value)}`"


def undeclared_quantities(tree):
    """`parameter(...)` and `state(...)` that do not say their unit and what they are."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "devsim.parameter"]
    names = {alias.asname or alias.name for node in imports for alias in node.names if alias.name in {"parameter", "state"}}
    for node in calls(tree):
        if isinstance(node.func, ast.Name) and node.func.id in names:
            told = {k.arg for k in node.keywords if not (isinstance(k.value, ast.Constant) and not k.value.value)}
            if None not in told and (missing := {"unit", "doc"} - told):
                yield node.lineno, f"`{node.func.id}` without {' and '.join(f'`{m}=`' for m in sorted(missing))}"


OURS = ("devsim", "circuits")
RULES = {
    long_functions: (*OURS, "benchmarks"),
    undocumented: OURS,
    run_text: (*OURS, "benchmarks"),
    bare_excepts: (*OURS, "benchmarks", "tests"),
    unworded_raises: ("tests",),
    default_keys: OURS,
    undeclared_quantities: (*OURS, "tests"),
}
"""Rule -> the folders that obey it."""

BROKEN = {
    long_functions: "def f():\n" + "    pass\n" * LONGEST_FUNCTION,
    undocumented: '"""A module."""\nclass A:\n    """A."""\n    def f(self):\n        pass\n',
    run_text: "import pickle",
    bare_excepts: "try:\n    f()\nexcept:\n    pass\n",
    unworded_raises: "with pytest.raises(ValueError):\n    f()\n",
    default_keys: "def f(x, *, key=jax.random.key(0)):\n    pass\n",
    undeclared_quantities: "from devsim.parameter import parameter\nx = parameter(1.0, unit='V', doc='')\n",
}
SOUND = {
    long_functions: "def f():\n" + "    pass\n" * (LONGEST_FUNCTION - 2),
    undocumented: '"""A module."""\nclass A:\n    """A."""\n    def _f(self):\n        pass\n',
    run_text: "x = jax.eval_shape(f)\nast.literal_eval('1')\nnp.load(p, allow_pickle=False)\n",
    bare_excepts: "try:\n    f()\nexcept ValueError:\n    pass\n",
    unworded_raises: "with pytest.raises(ValueError, match='no'):\n    f()\n",
    default_keys: "def f(x, y=1, *, key=None):\n    return jax.random.key(0)\n",
    undeclared_quantities: "from devsim.parameter import parameter\nx = parameter(**told)\ny = parameter(unit='V', doc='v')\n",
}


def name_of(rule):
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_file_obeys(rule):
    assert_none((path, *place) for path in files(*RULES[rule]) for place in rule(tree_of(path)))


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_sees_what_breaks_it_and_nothing_else(rule):
    assert len(list(rule(ast.parse(BROKEN[rule])))) == 1
    assert list(rule(ast.parse(SOUND[rule]))) == []


# --- Sizes and paths --------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", OURS)
def test_files_stay_short(folder):
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in SOURCE]
    lengths = {path: len(path.read_text().splitlines()) for path in paths}
    assert_none((p, n, f"has {n} lines; at most {LONGEST_FILE - 1}") for p, n in lengths.items() if n >= LONGEST_FILE)


def published():
    """Every file that is or would be under version control."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_place_on_one_machine():
    place = re.compile(r"(?<![\w.~$})\]-])/(work|tmp|root|home|Users)/")
    found = []
    for path in published():
        content = path.read_bytes()
        if b"\0" not in content:
            lines = enumerate(content.decode(errors="replace").splitlines(), 1)
            found += [(path, k, f"names `{line.strip()[:80]}`") for k, line in lines if place.search(line)]
    assert_none(found)


# --- Who imports whom -------------------------------------------------------------------------------


@functools.cache
def modules():
    """Dotted name -> path of every module of devsim and circuits."""
    dotted = lambda path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return {dotted(path): path for path in files(*OURS)}


def for_checkers(node):
    """True for `if TYPE_CHECKING:`, whose body never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def statements(tree, *, lazy):
    """Every statement that runs on import, without those in functions unless `lazy`."""
    for node in ast.iter_child_nodes(tree):
        if for_checkers(node):
            yield from (inner for other in node.orelse for inner in statements(other, lazy=lazy))
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from statements(node, lazy=lazy)


def imported(name, *, lazy):
    """(line, dotted name of a module of ours) for what the module `name` imports; with `lazy`, also inside functions."""
    known, path = modules(), modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(tree_of(path), lazy=lazy):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            inside = [f"{base}.{alias.name}" for alias in node.names]
            wanted = [one if one in known else base for one in inside]
        else:
            continue
        yield from ((node.lineno, one) for one in wanted if one.split(".")[0] in OURS)


def test_no_module_imports_itself_through_others():
    edges = {name: {to: line for line, to in imported(name, lazy=False)} for name in modules()}
    done, trail, found = set(), [], []

    def visit(name):
        if name in trail:
            circle = [*trail[trail.index(name) :], name]
            found.append((modules()[circle[-2]], edges[circle[-2]][name], "closes the circle " + " -> ".join(circle)))
        elif name not in done:
            trail.append(name)
            for to in edges.get(name, ()):
                visit(to)
            done.add(trail.pop())

    for name in edges:
        visit(name)
    assert_none(found)


def test_rooms_import_only_from_their_floor_and_below():
    found = []
    for name, path in modules().items():
        room = name.split(".")[1] if name.startswith("devsim.") else None
        if room is None:
            continue
        if room not in FLOOR_OF:
            found.append((path, 1, f"`{room}` has no floor; give it one in `FLOORS`"))
            continue
        for line, to in imported(name, lazy=True):
            there = FLOOR_OF.get(to.split(".")[1], 0) if to.startswith("devsim.") else len(FLOORS)
            if there > FLOOR_OF[room]:
                found.append((path, line, f"`{name}` is below `{to}`, but imports it"))
    assert_none(found)
