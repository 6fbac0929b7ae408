"""Structures are taken apart and put together again without a change, and told apart where they differ."""

import collections

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.structures import Form, flatten, map_leaves, unflatten

Point = collections.namedtuple("Point", "x y")  # noqa: PYI024 - the plain one is what users have
Nothing = collections.namedtuple("Nothing", "")  # noqa: PYI024


# -------------------------------------------------------------------------------------- there and back again
# Leaves that are no numbers: a list of numbers alone is a leaf itself.
LEAVES = st.text(max_size=3)
KEYS = st.one_of(st.text(max_size=3), st.integers(), st.tuples(st.booleans(), st.integers()))


def containers(children):
    return st.one_of(
        st.dictionaries(KEYS, children, max_size=3),
        st.dictionaries(KEYS, children, max_size=3).map(collections.OrderedDict),
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.builds(Point, children, children),
        st.builds(Nothing),
        st.none(),
    )


STRUCTURES = st.recursive(LEAVES, containers, max_leaves=12)


def same(a, b):
    """Compare kinds and orders too, which == does not for dicts."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(STRUCTURES)
def test_what_is_taken_apart_is_put_together_as_it_was(structure):
    leaves, form = flatten(structure)
    assert len(leaves) == form.n_leaves
    assert all(isinstance(leaf, str) for leaf in leaves)
    assert same(unflatten(form, leaves), structure)


@given(STRUCTURES)
def test_the_form_alone_is_what_two_structures_have_in_common(structure):
    leaves, form = flatten(structure)
    other = unflatten(form, [leaf + "!" for leaf in leaves])
    assert flatten(other) == ([leaf + "!" for leaf in leaves], form)
    assert hash(flatten(other)[1]) == hash(form)
    assert form.leaves_of(other) == [leaf + "!" for leaf in leaves]


@given(STRUCTURES)
def test_a_path_is_how_python_finds_the_leaf(structure):
    leaves, form = flatten(structure)
    found = [eval(path, {"s": structure}) for path in form.paths("s")]  # noqa: S307 - that is what it claims
    assert all(a is b for a, b in zip(found, leaves, strict=True))


@given(STRUCTURES)
def test_a_function_of_the_leaves_leaves_the_structure_alone(structure):
    assert same(map_leaves(lambda leaf: leaf, structure), structure)
    twice = map_leaves(lambda a, b: a + b, structure, structure)
    assert flatten(twice)[0] == [leaf * 2 for leaf in flatten(structure)[0]]


# --------------------------------------------------------------------------------------- what is a container
LEAF_EXAMPLES = {
    "a number": 1.5,
    "an array": np.zeros(3),
    "a tensor": tg.tensor([1.0]),
    "text": "w",
    "a list of numbers": [1.0, 2],
    "a tuple of numbers": (1.0, np.float32(2.0)),
    "nested lists of numbers": [[1.0, 2.0], [3.0, 4.0]],
    "a ragged list of numbers": [[1.0, 2.0], [3.0]],
    "a dict of another kind": collections.defaultdict(list, a=1.0),
    "a set": {1.0},
}


@pytest.mark.parametrize("leaf", LEAF_EXAMPLES.values(), ids=LEAF_EXAMPLES)
def test_all_else_is_a_leaf_and_so_is_a_list_of_numbers_alone(leaf):
    leaves, form = flatten(leaf)
    assert len(leaves) == 1
    assert leaves[0] is leaf
    assert form.is_leaf
    assert form == Form()
    assert form.paths("x") == ["x"]
    assert unflatten(form, [7]) == 7


def test_a_list_that_holds_an_array_is_a_container_and_so_is_a_namedtuple_of_numbers():
    array = np.zeros(2)
    assert flatten([1.0, array])[0] == [1.0, array]
    assert flatten([[1.0, 2.0], {"a": 3.0}])[0] == [[1.0, 2.0], 3.0]
    assert flatten(Point(1.0, 2.0))[0] == [1.0, 2.0]


def test_nothing_and_empty_containers_have_no_leaves():
    for structure in (None, {}, [], (), Nothing(), {"a": None, "b": [{}, ()]}):
        leaves, form = flatten(structure)
        assert leaves == []
        assert same(unflatten(form, []), structure)


def test_the_order_of_a_dict_is_kept():
    assert flatten({"z": "1", "a": "2", "m": "3"})[0] == ["1", "2", "3"]
    assert list(unflatten(flatten({"z": "1", "a": "2"})[1], "xy").items()) == [("z", "x"), ("a", "y")]


def test_a_form_reads_as_the_structure():
    assert (
        repr(flatten({"w": 1.0, "b": [2.0, None, Point("x", ())]})[1]) == "{'w': *, 'b': [*, None, Point(x=*, y=())]}"
    )


def test_forms_differ_where_kinds_lengths_or_keys_do():
    one = [{"a": "x", "b": "y"}, {"b": "x", "a": "y"}, ["x", "y"], ("x", "y"), Point("x", "y"), ["x", "y", "z"], "x"]
    assert len({flatten(structure)[1] for structure in one}) == len(one)


def test_paths_name_keys_positions_and_fields():
    _, form = flatten({"layers": [{"w": 1.0}, Point(1.0, None)], 3: (np.zeros(1),)})
    assert form.paths("params") == ["params['layers'][0]['w']", "params['layers'][1].x", "params[3][0]"]


# ---------------------------------------------------------------------------------------------- side by side
def test_leaves_are_found_by_key_not_by_order():
    _, form = flatten({"w": "1", "b": ["2", "3"]})
    assert form.leaves_of({"b": ["B", "C"], "w": "A"}) == ["A", "B", "C"]
    assert form.leaves_of(collections.OrderedDict(b=["B", "C"], w="A")) == ["A", "B", "C"]


def test_the_form_decides_what_is_a_leaf():
    assert flatten([np.zeros(1), np.zeros(1)])[1].leaves_of([1.0, 2.0]) == [1.0, 2.0]
    assert flatten(np.zeros(2))[1].leaves_of([1.0, 2.0]) == [[1.0, 2.0]]


MISFITS = {
    "a key is missing": ({"w": "1", "b": "2"}, {"w": "1"}, "v is a dict with the keys 'w', but .* the keys 'w', 'b'"),
    "a key too many": ({"w": "1"}, {"w": "1", "b": "2"}, "keys 'w', 'b', but"),
    "empty": ({"w": "1"}, {}, "v is an empty dict"),
    "deep inside": ({"w": ["1", "2"]}, {"w": ["1"]}, r"v\['w'\] is a list of 1, but its counterpart is a list of 2"),
    "a list for a tuple": (("1", "2"), ["1", "2"], "a list of 2, but its counterpart is a tuple of 2"),
    "a tuple for a namedtuple": (Point("1", "2"), ("1", "2"), "a tuple of 2, but its counterpart is a Point"),
    "a leaf for a dict": ({"w": "1"}, np.zeros(2), "of type ndarray, but its counterpart is a dict"),
    "a leaf for None": ([None, "1"], ["1", "1"], r"v\[0\] is of type str, but its counterpart is None"),
    "None for a list": ([["1"]], [None], r"v\[0\] is of type NoneType, but its counterpart is a list of 1"),
}


@pytest.mark.parametrize(("structure", "other", "message"), MISFITS.values(), ids=MISFITS)
def test_what_is_built_otherwise_is_refused_with_the_place(structure, other, message):
    with pytest.raises(ShapeError, match=message):
        flatten(structure)[1].leaves_of(other, "v")
    with pytest.raises(ShapeError, match="structure 2"):
        map_leaves(lambda a, b: (a, b), structure, other)


@pytest.mark.parametrize("leaves", [[], ["1"], ["1", "2", "3"]], ids=len)
def test_too_few_leaves_or_too_many_are_refused(leaves):
    with pytest.raises(ShapeError, match=rf"\(\*, \*\) has 2 leaves, but {len(leaves)} were given"):
        unflatten(flatten(("a", "b"))[1], leaves)
