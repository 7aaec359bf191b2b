"""docs/duet.ipynb runs, but for what needs the network."""

import json

import pytest

import duet
from duet.core.errors import DuetError


@pytest.fixture(scope="module")
def cells(root):
    return json.loads((root / "docs/duet.ipynb").read_text(encoding="utf-8"))["cells"]


def test_its_cells_run_in_their_order(cells, capsys):
    try:
        duet.load("mnist-gan")
    except DuetError:
        pytest.skip("needs the shipped models")
    scope: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code" and "network" not in cell["metadata"].get("tags", ()):
            exec("".join(cell["source"]), scope)
    assert scope["sheet"](scope["eights"][0], 5).size == (5 * 28 * 3, 2 * 28 * 3)
    assert [row.shape for row in scope["rows"]] == [(10, 1, 28, 28)] * 2
    assert "mnist-vae Recall 0." in capsys.readouterr().out


def test_it_is_kept_without_outputs_and_only_one_cell_needs_the_network(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    needing = [cell for cell in code if "network" in cell["metadata"].get("tags", ())]
    assert ["".join(cell["source"])[:4] for cell in needing] == ["%pip"]
