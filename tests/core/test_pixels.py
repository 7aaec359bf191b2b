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


def test_grid_pixel_by_pixel():
    """Row by row, an image after the other; two pixels between, where nothing else is said."""
    images = torch.randint(49, 256, (5, 3, 4, 6), dtype=torch.uint8)
    for gap, table in ((2, grid(images, columns=3)), (0, grid(images, columns=3, gap=0))):
        expected = torch.full((3, 2 * (4 + gap) + gap, 3 * (6 + gap) + gap), 48, dtype=torch.uint8)
        for number in range(6):
            top, left = gap + number // 3 * (4 + gap), gap + number % 3 * (6 + gap)
            image = images[number] if number < 5 else 0
            expected[:, top : top + 4, left : left + 6] = image
        assert torch.equal(table, expected)


def test_to_pil_keeps_pixels_crisp():
    picture = to_pil(torch.tensor([[[0, 255]]], dtype=torch.uint8), scale=3)
    assert picture.size == (6, 3)
    assert picture.getcolors() == [(9, 0), (9, 255)]
    plain = to_pil(torch.arange(12, dtype=torch.uint8).view(3, 2, 2))
    assert (plain.mode, plain.size) == ("RGB", (2, 2))
    assert plain.getpixel((1, 0)) == (1, 5, 9)
