"""What the default network promises beside the contract of all networks."""

import torch
from torch import nn

from palpate.networks.unet import UNet


def test_every_cell_sees_the_whole_film():
    """Which vertebra of seventeen it is can be told only by the ends of the spine.

    Group normalisation joins all cells anyway, through two numbers; so it is taken out.
    """
    torch.manual_seed(0)
    network = UNet(1, 1)
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm | nn.ReLU):
                setattr(module, name, nn.Identity())
    film = torch.randn(1, 1, 640, 64, requires_grad=True)
    network(film)[0, 0, 80, 8].backward()
    assert (film.grad[0, 0, :8].abs() > 0).any()
    assert (film.grad[0, 0, -8:].abs() > 0).any()


def test_a_batch_is_its_images_one_by_one():
    torch.manual_seed(0)
    network = UNet(1, 3).eval()
    films = torch.randn(3, 1, 64, 96)
    together = network(films)
    alone = torch.cat([network(film[None]) for film in films])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
