"""What is saved is what is loaded; a crash never leaves half a file, and a damaged one is refused."""

import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as st_numpy

from tinygrad_edu.checkpoint import DTYPES, load, save
from tinygrad_edu.errors import CheckpointError

ARRAYS = {
    "model.0.weight": np.arange(6.0, dtype=np.float32).reshape(2, 3),
    "a": np.array(7),
    "model.0.bias": np.array([0.5, -0.5]),
    "empty": np.zeros((0, 3)),
    "mask": np.array([True, False]),
}


def assert_same(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == np.asarray(array).dtype.newbyteorder("=")
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].shape == np.shape(array)


def leftovers(folder):
    return [entry.name for entry in folder.iterdir() if entry.suffix == ".tmp"]


# ----------------------------------------------------------------------------------- there and back


def test_names_order_dtypes_shapes_and_metadata_come_back(tmp_path):
    path = tmp_path / "model.safetensors"
    metadata = {"z": "ünï\ncode", "a": "", "json": json.dumps({"k": 1})}
    assert save(path, ARRAYS, metadata) == path
    arrays, loaded = load(path)
    assert_same(arrays, ARRAYS)
    assert list(loaded.items()) == list(metadata.items())
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_comes_back(tmp_path, dtype):
    given = {"x": np.array([[0, 1, 2]]).astype(dtype)}
    assert_same(load(save(tmp_path / "x", given))[0], given)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(12.0)[::2],
        np.arange(12.0)[::-1],
        np.broadcast_to(np.array(3.0), (2, 2)),
        np.arange(12.0).reshape(3, 4)[:, 1],
        np.arange(4.0).astype(">f8"),
        np.zeros((3, 0, 2)).T,
        np.array(-0.0),
        np.float32(3.5),
        np.array([np.nan, np.inf, -np.inf]),
    ],
    ids=[
        "transposed",
        "Fortran",
        "strided",
        "reversed",
        "broadcast",
        "column",
        "big-endian",
        "empty",
        "0-d",
        "scalar",
        "nan",
    ],
)
def test_every_layout_in_memory_comes_back(tmp_path, array):
    before = np.array(array)
    assert_same(load(save(tmp_path / "x", {"x": array}))[0], {"x": before})
    np.testing.assert_array_equal(array, before)


def test_nothing_is_something_that_can_be_saved(tmp_path):
    assert load(save(tmp_path / "x", {})) == ({}, {})


def test_loaded_arrays_can_be_trained_on(tmp_path):
    arrays, _ = load(save(tmp_path / "x", {"x": np.zeros(3)}))
    arrays["x"] += 1
    assert arrays["x"].tolist() == [1, 1, 1]


_arrays = st_numpy.arrays(
    st.sampled_from(DTYPES), st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
)
_names = st.text(st.characters(codec="utf-8"), max_size=20)


@given(
    st.dictionaries(_names.filter(lambda name: name != "__metadata__"), _arrays, max_size=5),
    st.dictionaries(_names.filter(lambda name: name != "tinygrad_edu"), _names, max_size=3),
)
def test_whatever_is_saved_is_loaded(tmp_path_factory, arrays, metadata):
    path = tmp_path_factory.getbasetemp() / "anything.safetensors"
    loaded, texts = load(save(path, arrays, metadata))
    assert_same(loaded, arrays)
    assert list(texts.items()) == list(metadata.items())


# ------------------------------------------------------------------------------------ other libraries


def test_other_libraries_read_what_is_saved(tmp_path):
    path = save(tmp_path / "x.safetensors", ARRAYS, {"made": "today"})
    arrays = safetensors.numpy.load_file(path)
    assert_same({name: arrays[name] for name in ARRAYS}, ARRAYS)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_what_other_libraries_saved_is_read(tmp_path, metadata):
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file(ARRAYS, path, metadata)
    arrays, texts = load(path)
    assert_same({name: arrays[name] for name in ARRAYS}, ARRAYS)
    assert texts == (metadata or {})


# ------------------------------------------------------------------------------------ damaged files


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = save(tmp_path / "x.safetensors", ARRAYS)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="cut off or damaged"):
            load(path)


def test_a_file_with_more_behind_it_is_refused(tmp_path):
    path = save(tmp_path / "x.safetensors", ARRAYS)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="cut off or damaged"):
        load(path)


def test_one_flipped_bit_never_gives_another_model(tmp_path):
    path = save(tmp_path / "x.safetensors", ARRAYS, {"made": "today"})
    content = path.read_bytes()
    seal = content.index(b"tinygrad_edu")
    for position in range(len(content)):
        for bit in range(8):
            path.write_bytes(content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :])
            if seal <= position < seal + len("tinygrad_edu"):
                # The seal itself goes by another name: it looks like another library's file, and is whole.
                try:
                    arrays, _ = load(path)
                except CheckpointError:
                    continue
                assert_same({name: arrays[name] for name in ARRAYS}, ARRAYS)
            else:
                with pytest.raises(CheckpointError):
                    load(path)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip file, as torch.save writes",
        b"\x80\x04\x95 a pickle",
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (40).to_bytes(8, "little") + b"[" * 40,
        (58).to_bytes(8, "little") + b'{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}   ' + b"\0\0",
    ],
    ids=["empty", "zip", "pickle", "huge length", "a list", "nested", "dtype that NumPy lacks"],
)
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="x' is not a safetensors file, or"):
        load(path)


@pytest.mark.parametrize("seal", ["", "[]", "{}", "null", '{"names": 3}', '{"names": [["x"]]}', '{"names": ["y"]}'])
def test_a_forged_seal_is_refused(tmp_path, seal):
    path = tmp_path / "x"
    safetensors.numpy.save_file({"x": np.zeros(1)}, path, {"tinygrad_edu": seal})
    with pytest.raises(CheckpointError, match="damaged: its checksum"):
        load(path)


# --------------------------------------------------------------------------- what cannot be read or saved


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("modle.safetensors", "There is no file .* Did you mean 'model.safetensors'"),
        ("nowhere/model.safetensors", "There is no folder .*nowhere' either"),
        ("model.safetensors/x", "There is no folder"),
        ("folder", "is a folder, not a model"),
        ("folder/x", r"Its folder holds no \*.safetensors"),
        ("n" * 300, "cannot be read"),
    ],
)
def test_a_path_that_cannot_be_loaded_is_explained(tmp_path, name, message):
    save(tmp_path / "model.safetensors", ARRAYS)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", "is a folder. Name a file in it"),
        ("nowhere/x.safetensors", "There is no folder '.*nowhere' to save in"),
        ("file/x.safetensors", "There is no folder '.*file' to save in"),
        ("n" * 300, "cannot be written: File name too long"),
    ],
)
def test_a_path_that_cannot_be_saved_to_is_explained(tmp_path, name, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=message):
        save(tmp_path / name, ARRAYS)


@pytest.mark.parametrize(
    ("arrays", "metadata", "message"),
    [
        (
            {"x": np.array([{}])},
            None,
            r"'x' holds object, which cannot be saved. Convert it with .astype\(...\)",
        ),
        ({"x": np.array(["a"])}, None, "'x' holds <U1"),
        ({"x": np.array([1j])}, None, "'x' holds complex128"),
        ({"x": np.array(["2020-01-01"], "M8[D]")}, None, "'x' holds datetime64"),
        ({"x": np.zeros(1, [("a", "f4")])}, None, "'x' holds"),
        ({"x": [1.0]}, None, "'x' must be a NumPy array, but is list"),
        ({"x": None}, None, "but is NoneType"),
        ({7: np.ones(1)}, None, "must be text, other than '__metadata__', but is 7"),
        ({"__metadata__": np.ones(1)}, None, "other than '__metadata__'"),
        ({"\ud800": np.ones(1)}, None, "must be text"),
        ({}, {"k": 1}, r"metadata\['k'\] must be text .*, but is 1"),
        ({}, {"k": "\ud800"}, r"metadata\['k'\] must be text"),
        ({}, {1: "v"}, "must be text"),
        ({}, {"tinygrad_edu": "v"}, "under another name than 'tinygrad_edu'"),
    ],
)
def test_what_cannot_be_saved_is_explained_and_the_old_file_stays(tmp_path, arrays, metadata, message):
    path = save(tmp_path / "x", ARRAYS)
    with pytest.raises(CheckpointError, match=message):
        save(path, arrays, metadata)
    assert_same(load(path)[0], ARRAYS)
    assert leftovers(tmp_path) == []


# ------------------------------------------------------------------------------------ all or nothing


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), CheckpointError),
        (PermissionError(errno.EACCES, "Permission denied"), CheckpointError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (MemoryError(), MemoryError),
    ],
)
@pytest.mark.parametrize("place", [(os, "fsync"), (Path, "replace")], ids=["on the way to the disk", "at the end"])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, place, error, raised):
    path = save(tmp_path / "x", ARRAYS)
    old = path.read_bytes()

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*place, fail)
        with pytest.raises(raised):
            save(path, {"x": np.ones(3)})
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_the_content_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    path = save(tmp_path / "x", {"x": np.zeros(1)})
    events = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append((kind, load(path)[0]["x"].item()))
        fsync(descriptor)

    def note_replace(self, target):
        events.append(("replace", load(path)[0]["x"].item()))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    save(path, {"x": np.ones(1)})
    assert events[:2] == [("file", 0), ("replace", 0)]
    assert events[2:] == ([("folder", 1)] if os.name == "posix" else [])


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are POSIX's")
def test_permissions_and_links_are_kept(tmp_path):
    path = save(tmp_path / "x", {"x": np.zeros(1)})
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    link = tmp_path / "latest"
    link.symlink_to(path)
    save(link, {"x": np.ones(1)})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path)[0]["x"].item() == 1


SAVES_FOR_EVER = """
import itertools, sys
import numpy as np
from tinygrad_edu.checkpoint import save
for version in itertools.count(int(sys.argv[2])):
    part = np.full(50_000 + 1000 * (version % 7), version)
    save(sys.argv[1], {"a": part, "b": part, "c": part}, {"v": str(version)})
    print(version, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_process_killed_while_saving_leaves_a_complete_version(tmp_path):
    path = tmp_path / "model.safetensors"
    rng = random.Random(0)
    version = 0
    for _ in range(12):
        command = [sys.executable, "-c", SAVES_FOR_EVER, str(path), str(version)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            done = [int(process.stdout.readline()) for _ in range(2)]
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=rng.uniform(0, 0.03))
            process.kill()
            done += map(int, process.stdout.read().split())
        assert process.returncode == -signal.SIGKILL
        arrays, metadata = load(path)
        version = int(metadata["v"])
        assert version in {done[-1], done[-1] + 1}  # it may have been killed between saving and saying so
        assert [len(array) for array in arrays.values()] == [50_000 + 1000 * (version % 7)] * 3
        assert all((array == version).all() for array in arrays.values())
