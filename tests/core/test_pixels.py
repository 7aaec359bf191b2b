import torch

from duet.core.pixels import grid, to_float, to_pil, to_uint8


def test_every_level_survives_the_round_trip():
    levels = torch.arange(256, dtype=torch.uint8)
    assert to_float(levels).min() == -1
    assert to_float(levels).max() == 1
    assert torch.equal(to_uint8(to_float(levels)), levels)


def test_beyond_the_range_is_clamped_not_wrapped():
    assert to_uint8(torch.tensor([-1.02, 1.02, -9.0, 9.0])).tolist() == [0, 255, 0, 255]


def test_rounds_to_the_nearest_level():
    assert to_uint8(to_float(torch.tensor([7.0, 7.4, 7.6]))).tolist() == [7, 7, 8]


def test_grid_puts_images_row_by_row():
    images = torch.arange(1, 6, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, 4, 6)
    table = grid(images, columns=3, gap=1)
    assert table.shape == (3, 2 * 5 + 1, 3 * 7 + 1)
    assert table[0, 1, 1] == 1
    assert table[0, 1, 8] == 2
    assert table[2, 6, 1] == 4
    assert table[0, 6, 15] == 0  # the last row is not full
    assert table[0, 0, 0] == 48  # the frame


def test_to_pil_keeps_pixels_crisp():
    picture = to_pil(torch.tensor([[[0, 255]]], dtype=torch.uint8), scale=3)
    assert picture.size == (6, 3)
    assert picture.getcolors() == [(9, 0), (9, 255)]
    assert to_pil(torch.zeros(3, 2, 2, dtype=torch.uint8)).mode == "RGB"
