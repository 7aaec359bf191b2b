import torch

from duet.core.pixels import grid, to_pil


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
