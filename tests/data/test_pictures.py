"""Folders and zips of one's own pictures: what becomes of them, and what is refused."""

import os
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from duet import data
from duet.data import DataError
from duet.data import cache as decoding_cache
from duet.data.classes import clean
from duet.data.decode import PictureError
from duet.data.sources import open_source


def contents(found) -> set[bytes]:
    return {image.numpy().tobytes() for image in found.images}


def both(path, **options):
    return [data.load(str(path), split, image_size=12, **options) for split in ("train", "test")]


def test_a_folder_a_class(folder, png):
    root = folder({f"{label}/{i}.png": png(ord(label) + 50 * i) for label in "cab"
                   for i in range(1 + 9 * (label == "a"))})
    train, test = both(root)
    assert train.name == test.name == "pets"
    assert train.class_names == test.class_names == ("a", "b", "c")
    assert (len(train), len(test)) == (11, 1)
    labels = {name: int(label) for found in (train, test)
              for name, label in zip(found.files, found.labels, strict=True)}
    assert labels == {"b/0.png": 1, "c/0.png": 2, **{f"a/{i}.png": 0 for i in range(10)}}
    assert train.labels.tolist() == sorted(train.labels.tolist())
    assert train.facts.about.startswith("12 pictures, 12×12 pixels in colour, 3 classes, a tenth")
    assert train.facts.licence == "unknown"


def test_each_picture_keeps_its_name_and_class(folder, png, noise):
    root = folder({f"{i % 3}/{i}.png": png(i) for i in range(40)})
    for found in both(root):
        for image, label, name in zip(found.images, found.labels, found.files, strict=True):
            number = int(Path(name).stem)
            assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(noise(number)))
            assert found.class_names[label] == str(number % 3)


def test_loose_pictures_have_no_classes(folder, png):
    root = folder({f"{i}.png": png(i, mode="L") for i in range(30)} | {"empty/": b""})
    train, test = both(root)
    assert train.class_names == ()
    assert train.labels.tolist() == [0] * 27
    assert train.image_shape == (1, 12, 12)
    assert len(test) == 3


@pytest.mark.parametrize("wrapper", ["", "pets/", "a/b/"])
def test_a_zip_is_read_like_its_folder(folder, png, write_zip, tmp_path, wrapper):
    files = {f"{label}/{i}.png": png(i + 10 * ord(label)) for label in "xy" for i in range(9)}
    litter = {f"{wrapper}.DS_Store": b"x", f"__MACOSX/{wrapper}x/._1.png": b"x"}
    wrapped = {wrapper + name: content for name, content in files.items()}
    packed = write_zip(tmp_path / "pets.zip", wrapped | litter)
    for found, same in zip(both(packed), both(folder(files)), strict=True):
        assert torch.equal(found.images, same.images)
        assert found.class_names == same.class_names == ("x", "y")
        assert found.name == same.name == "pets"


def test_one_folder_alone_is_no_class(folder, png):
    assert both(folder({f"cats/{i}.png": png(i) for i in range(5)}))[0].class_names == ()


def test_what_is_held_out_depends_on_pixels_alone(folder, png):
    """Names, order, classes and file formats are other; the same pictures are held out."""
    first = both(folder({f"{i:03}.png": png(i) for i in range(60)}, "first"))
    second = both(folder({f"c{i % 7}/{999 - i}.png": png(i) for i in range(60)}, "second"))
    assert contents(first[1]) == contents(second[1])
    assert len(first[1]) == len(second[1]) == 6
    assert contents(first[0]) | contents(first[1]) == contents(second[0]) | contents(second[1])


def test_exact_duplicates_stay_on_one_side(folder, png, noise, as_bytes):
    """Twice in other formats: the pixels count, not the file."""
    files = {f"{i}.png": png(i) for i in range(40)}
    files |= {f"{i}-again.bmp": as_bytes(noise(i), "BMP") for i in range(40)}
    train, test = both(folder(files))
    assert not contents(train) & contents(test)
    assert (len(train), len(test)) == (72, 8)


def test_decoded_once_and_mapped(folder, png, cache, monkeypatch):
    root = folder({f"{i}.png": png(i) for i in range(20)})
    both(root)
    (file,) = cache.rglob("*.safetensors")
    monkeypatch.setattr(decoding_cache, "gather", lambda *_: pytest.fail("decoded again"))
    train, _ = both(root)
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        assert str(file) in mapped.read_text()
    assert len(train) == 18


@pytest.mark.parametrize("change", ["content", "new name", "settings"])
def test_the_cache_knows_what_changed(folder, png, cache, change):
    root = folder({f"{i}.png": png(i) for i in range(20)})
    both(root)
    if change == "content":
        (root / "3.png").write_bytes(png(99))
    elif change == "new name":
        (root / "3.png").rename(root / "three.png")
    found = data.load(str(root), image_size=16 if change == "settings" else 12)
    assert len(list(cache.rglob("*.safetensors"))) == 2
    assert ("three.png" in found.files) == (change == "new name")
    assert found.images.shape[2] == (16 if change == "settings" else 12)


def test_a_damaged_cache_is_named(folder, png, cache):
    root = folder({f"{i}.png": png(i) for i in range(20)})
    both(root)
    (file,) = cache.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match=r"set\.safetensors cannot be read.*delete it"):
        both(root)


LOAD = "import sys; from duet import data; print(len(data.load(sys.argv[1], image_size=12)))"


def run(code: str, root: Path, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=Path(__file__).parents[2], **options,
    )


def test_a_killed_run_leaves_no_cache(folder, png, cache):
    root = folder({f"{i}.png": png(i) for i in range(200)})
    dying = (
        "import os\nfrom duet.data import gather\nwhole = gather.decode\n"
        "def decode(content, *rest):\n"
        "    gather.count = getattr(gather, 'count', 0) + 1\n"
        "    if gather.count == 150: os._exit(9)\n"
        "    return whole(content, *rest)\n"
        "gather.decode = decode\n"
    )
    process = run(dying + LOAD, root)
    process.communicate()
    assert process.returncode == 9
    assert not list(cache.rglob("*.safetensors"))
    assert len(list(cache.rglob("decoded"))) == 1
    others = folder({f"{i}.png": png(i) for i in range(10)}, name="others")
    assert len(both(others)[0]) == 9
    assert not list(cache.rglob("decoded"))
    assert len(both(root)[0]) == 180


def test_a_run_that_is_stopped_leaves_nothing(folder, png, cache, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("duet.data.gather.decode", stopped)
    with pytest.raises(KeyboardInterrupt):
        both(folder({f"{i}.png": png(i) for i in range(200)}))
    assert [path.name for path in cache.rglob("*") if path.is_file()] == [".lock"]


def test_two_processes_share_one_decoding(folder, png, cache):
    root = folder({f"{i}.png": png(i) for i in range(300)})
    done = [process.communicate() for process in [run(LOAD, root), run(LOAD, root)]]
    assert [out for out, _ in done] == ["270\n", "270\n"]
    assert sum("become 12×12 pixels" in err for _, err in done) == 1


def test_who_comes_second_waits(folder, png, monkeypatch):
    """And finds what the first has made, instead of decoding again."""
    root = folder({f"{i}.png": png(i) for i in range(10)})
    started, may_go, calls = threading.Event(), threading.Event(), []
    gather = decoding_cache.gather

    def slow(*arguments):
        calls.append(1)
        started.set()
        assert may_go.wait(20)
        return gather(*arguments)

    monkeypatch.setattr(decoding_cache, "gather", slow)
    threads = [threading.Thread(target=both, args=(root,)) for _ in range(2)]
    threads[0].start()
    assert started.wait(20)
    threads[1].start()
    threads[1].join(0.3)
    assert threads[1].is_alive()
    may_go.set()
    for thread in threads:
        thread.join(20)
    assert calls == [1]


def test_a_cache_that_cannot_be_written_is_named(folder, png, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written.*DUET_CACHE"):
        both(folder({"1.png": png(1), "2.png": png(2)}))


def test_a_disk_without_room_is_named(folder, png, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(DataError, match=r"has 0\.0 GB left.*DUET_CACHE"):
        both(folder({"1.png": png(1), "2.png": png(2)}))


def test_a_read_only_folder_is_read(folder, png):
    root = folder({f"{i}.png": png(i) for i in range(5)})
    root.chmod(0o555)
    assert len(both(root)[0]) == 4
    root.chmod(0o755)


# What is refused, or left out.


def broken(png, as_bytes) -> dict[str, bytes]:
    return {
        "a/text.png": b"some text", "a/cut.png": png(7)[:200], "a/tiny.gif": as_bytes(
            Image.new("L", (1, 1)), "GIF"), "empty/": b"", "loose.txt": b"read me",
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_broken_files_are_named_or_left_out(
    folder, png, as_bytes, write_zip, tmp_path, capsys, zipped
):
    good = {f"{label}/{i}.png": png(i + 10 * ord(label)) for label in "ab" for i in range(5)}
    files = good | broken(png, as_bytes)
    root = write_zip(tmp_path / "pets.zip", files) if zipped else folder(files)
    with pytest.raises(DataError) as refused:
        both(root)
    for said in ("4 of 15", "a/text.png (not a picture", "a/tiny.gif (of 1×1 pix", "skip_broken",
                 "empty (a class folder with nothing in it)", "loose.txt (lies beside the class"):
        assert said in str(refused.value)
    for _ in range(2):  # the second time from the cache
        capsys.readouterr()
        train, _ = both(root, skip_broken=True)
        assert "5 of 15" in (said := capsys.readouterr().err)
        assert "left out" in said
        assert train.class_names == ("a", "b")
        assert len(train) == 9
    with pytest.raises(DataError, match=r"5 of 15.*a/cut\.png \("):
        both(root)


def test_only_a_few_broken_files_are_named(folder, png):
    files = {f"{i}.png": png(i) for i in range(10)} | {f"{i}.txt": b"text" for i in range(9)}
    with pytest.raises(DataError, match=r"9 of 19.*0\.txt.*4\.txt[^,]*, and 4 more"):
        both(folder(files))


def test_a_class_that_is_left_out_whole_is_none(folder, png):
    files = {f"{label}/{i}.png": png(i + 10 * ord(label)) for label in "ac" for i in range(5)}
    train, test = both(folder(files | {"b/1.png": b"text"}), skip_broken=True)
    assert train.class_names == ("a", "c")
    assert sorted({*train.labels.tolist(), *test.labels.tolist()}) == [0, 1]


@pytest.mark.parametrize(("files", "said"), [
    ({}, "holds no picture"), ({"a/": b"", "b/": b""}, "holds no picture"),
    ({"1.png": 1}, "1 picture.* at least two"), ({"1.png": 1, "2.png": 1}, "do not differ"),
    ({"train/1.png": 1, "test/1.png": 2}, "holds splits"),
    ({"caf\u00e9/1.png": 1, "cafe\u0301/1.png": 2}, "both make the class 'café'"),
    ({"a b/1.png": 1, "a  b/1.png": 2}, "both make the class 'a b'"),
    ({"a/1.png": 1, "\u200b/1.png": 2}, "no name that can be shown"),
])
def test_folders_that_are_refused(folder, png, files, said):
    made = {name: png(seed) if isinstance(seed, int) else seed for name, seed in files.items()}
    for skip in (False, True):
        if "holds no picture" in said and files and not skip:
            continue  # then the empty folders are named
        with pytest.raises(DataError, match=said):
            both(folder(made, f"pets{skip}"), skip_broken=skip)


def test_more_classes_than_a_model_knows(folder, png, monkeypatch):
    monkeypatch.setattr("duet.data.classes.MOST_CLASSES", 3)
    assert len(both(folder({f"{i}/1.png": png(i) for i in range(3)}, "few"))[0].class_names) == 3
    with pytest.raises(DataError, match=r"holds 4 folders, .* at most 3 classes"):
        both(folder({f"{i}/1.png": png(i) for i in range(4)}, "many"))


def test_nothing_but_broken_files(folder):
    with pytest.raises(DataError, match="1 of 1 entries"):
        both(folder({"1.png": b"text"}, "first"))
    with pytest.raises(DataError, match="holds no picture that can be used"):
        both(folder({"1.png": b"text"}, "second"), skip_broken=True)


def test_class_names_in_any_script(folder, png):
    names = ["猫", "собака", "बिल्ली", "قطة", "👩‍🚀", "Ärger mit <b>", "a'b\"c"]
    root = folder({f"{name}/{i}.png": png(i + 10 * k) for k, name in enumerate(names)
                   for i in range(2)}, name="живот ные")
    train, _ = both(root)
    assert train.class_names == tuple(sorted(names))
    assert train.name == "pictures"
    assert train.facts.title == "живот ные"


@pytest.mark.parametrize(("folder_name", "name"), [
    (" cat\u0000s\n", "cat s"), (" " + "x" * 200, "x" * 80), ("e\u0301", "é"),
    ("\u202ecats", "cats"), ("می\u200cخواهم", "می\u200cخواهم"),
])
def test_class_names_are_clean(folder_name, name):
    assert clean(folder_name.replace("\0", " ")) == name


@pytest.mark.parametrize(("path", "name"), [
    ("My Pets", "My-Pets"), ("pets.zip", "pets"), ("v1.2", "v1.2"), ("Käfer", "Kafer"),
    ("猫", "pictures"), ("..hidden", "hidden"), ("mnist", "own-mnist"), ("x" * 99, "x" * 60),
])
def test_the_name_of_a_set_is_plain_and_not_a_registered_one(tmp_path, path, name):
    (tmp_path / path).mkdir()
    assert data.set_name(str(tmp_path / path)) == name
    assert data.set_name("mnist") == "mnist"


def test_a_path_may_begin_at_home(folder, png, monkeypatch):
    root = folder({f"{i}.png": png(i) for i in range(10)})
    monkeypatch.setenv("HOME", str(root.parent))
    assert both(f"~/{root.name}")[0].name == root.name


def test_links(folder, png, tmp_path):
    (tmp_path / "outside.png").write_bytes(png(50))
    root = folder({f"{i}.png": png(i) for i in range(10)})
    (root / "inside.png").symlink_to(root / "3.png")
    assert len(both(root)[0]) == 10
    (root / "out.png").symlink_to(tmp_path / "outside.png")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "gone.png").symlink_to(root / "gone")
    (root / "self.png").symlink_to(root / "self.png")
    with pytest.raises(DataError) as refused:
        both(root)
    for said in ("5 of 16", "out.png (a link that leads out", "up (a link that leads out",
                 "loop (a link to a folder", "gone.png (a link to a folder, or to nothing)",
                 "self.png (a link to a folder, or to nothing)"):
        assert said in str(refused.value)
    train, test = both(root, skip_broken=True)
    assert len(train) + len(test) == 11
    link = tmp_path / "link"
    link.symlink_to(root)
    assert len(both(link, skip_broken=True)[0]) == len(train)


def test_a_pipe_is_not_waited_for(folder, png):
    root = folder({f"{i}.png": png(i) for i in range(10)})
    os.mkfifo(root / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png \(not a file\)"):
        both(root)


def hostile(kind: str) -> zipfile.ZipInfo:
    name = {"slip": "../evil.png", "absolute": "/evil.png", "backslash": "a\\..\\evil.png"}
    entry = zipfile.ZipInfo(name.get(kind, "evil.png"))
    if kind == "link":
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(("kind", "said"), [
    ("slip", "leads out"), ("absolute", "leads out"), ("backslash", "leads out"),
    ("link", "a link"), ("bomb", "larger than"), ("encrypted", "encrypted"), ("liar", "damaged"),
])
def test_hostile_zips(tmp_path, png, write_zip, monkeypatch, kind, said):
    path = write_zip(tmp_path / "pets.zip", {f"{i}.png": png(i) for i in range(10)})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(hostile(kind), bytes(2**20) if kind == "bomb" else png(99))
    monkeypatch.setattr("duet.data.sources.MOST_FILE_BYTES", 2**19)
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    if kind == "encrypted":
        content[directory + 8] |= 1
    if kind == "liar":  # the directory says that the file is short
        content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    if kind == "bomb":  # refused by what the directory says, before it is read
        read = zipfile.ZipExtFile.read
        monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, n=-1: (
            pytest.fail("the bomb was read") if self.name == "evil.png" else read(self, n)))
    with pytest.raises(DataError, match=f"1 of 11.*evil.png.*{said}"):
        both(path)
    train, test = both(path, skip_broken=True)
    assert len(train) + len(test) == 10


def test_damaged_zips_are_refused_or_read(tmp_path, png, write_zip):
    """Bytes of the directory changed at random: a refusal, or a file's, and nothing else."""
    path = write_zip(tmp_path / "pets.zip", {f"{i}.png": png(i) for i in range(4)})
    whole, random, outcomes = path.read_bytes(), np.random.default_rng(0), set()
    start = whole.index(b"PK\x01\x02")
    for _ in range(400):
        content = bytearray(whole)
        for place in random.integers(start, len(whole), 2):
            content[place] = random.choice([0, 127, 255])
        path.write_bytes(content)
        try:
            with open_source(path) as source:
                for name in source.names:
                    source.read(name)
            outcomes.add("read")
        except (PictureError, DataError) as error:
            outcomes.add(type(error))
    assert outcomes == {"read", PictureError, DataError}


@pytest.mark.parametrize("packing", ["ZIP_LZMA", "ZIP_BZIP2", "ZIP_DEFLATED"])
def test_a_damaged_entry_is_named_however_it_is_packed(tmp_path, png, packing):
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w", getattr(zipfile, packing)) as archive:
        for i in range(3):
            archive.writestr(f"{i}.png", png(i))
        start = archive.infolist()[1].header_offset + 30 + len("1.png")
    content = bytearray(path.read_bytes())
    for place in range(start + 12, start + 60):
        content[place] ^= 0x5A
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"1 of 3.*1\.png \(damaged in the zip \(\w"):
        both(path)


def test_a_name_twice_in_a_zip(tmp_path, png, write_zip):
    path = write_zip(tmp_path / "pets.zip", {f"{i}.png": png(i) for i in range(10)})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("3.png", png(77))
    with pytest.raises(DataError, match=r"3\.png \(in the zip twice"):
        both(path)


@pytest.mark.parametrize(("content", "said"), [
    (b"text", "neither a folder"), (b"PK\5\6" + bytes(18), "holds no picture"),
])
def test_files_that_are_no_zips_of_pictures(tmp_path, content, said):
    (tmp_path / "pets.zip").write_bytes(content)
    with pytest.raises(DataError, match=said):
        both(tmp_path / "pets.zip")


def test_a_truncated_zip(tmp_path, png, write_zip):
    path = write_zip(tmp_path / "pets.zip", {f"{i}.png": png(i) for i in range(10)})
    path.write_bytes(path.read_bytes()[1000:])
    with pytest.raises(DataError, match=r"pets\.zip"):
        both(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"neither a folder"):
        both(path)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"unknown data set .*known: mnist.*or the path of"):
        data.load(str(tmp_path / "nothing"))
