"""The network of the last rungs of notebook 10, word for word; there it is explained."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def rows(images):
    """Images (n, 28, 28) of bytes as rows (n, 784) of numbers from 0 to 1."""
    return images.reshape(-1, 784) / 255


def warp(X, theta, wobble=0.0):
    """Images X (n, 784), each seen through its affine map theta (n, 2, 3).

    wobble: displacements (n, 28, 28, 2) on top, here none.
    """
    x = torch.linspace(-1, 1, 28, device=X.device) * 27 / 28  # (28,): pixel centres
    y = x.unsqueeze(1)  # (28, 1)
    a, b, shift = theta[..., None, None].unbind(dim=2)  # (n, 2, 1, 1) each
    grid = (a * x + b * y + shift).permute(0, 2, 3, 1) + wobble  # (n, 28, 28, 2)
    images = X.reshape(-1, 1, 28, 28)
    return F.grid_sample(images, grid, align_corners=False).reshape(-1, 784)


class RandomAffine(nn.Module):
    """In train mode, distort each image in its own random way; X: (n, 784)."""

    def __init__(self, degrees=8, scale=0.10, shear=0.08, shift=0.07):
        super().__init__()
        ranges = [math.radians(degrees), scale, scale, shear, 2 * shift, 2 * shift]
        self.register_buffer("ranges", torch.tensor(ranges).unsqueeze(1))  # (6, 1)

    def draw(self, n):
        """Random affine maps (n, 2, 3)."""
        draws = 2 * torch.rand(6, n, device=self.ranges.device) - 1
        angle, x_scale, y_scale, k, x_shift, y_shift = self.ranges * draws  # (n,) each
        cos, sin, sx, sy = angle.cos(), angle.sin(), 1 + x_scale, 1 + y_scale
        first = [cos * sx, cos * k - sin * sy, x_shift]
        second = [sin * sx, sin * k + cos * sy, y_shift]
        return torch.stack([*first, *second], dim=1).reshape(n, 2, 3)

    def forward(self, X):
        return warp(X, self.draw(len(X))) if self.training else X


def slants(images):
    """Slope k of the ink, and its mean height, (n,) each, of images (n, 28, 28)."""
    place = (torch.arange(28, device=images.device) - 13.5) / 14  # (28,): pixel centres
    ink = images.sum(dim=(1, 2)).clamp(min=1e-6)  # no 0 / 0 in an empty image
    x_mean = images.sum(dim=1) @ place / ink  # dim 1 is y, dim 2 is x
    y_mean = images.sum(dim=2) @ place / ink
    xy_mean = images @ place @ place / ink  # over x first, then over y
    yy_mean = images.sum(dim=2) @ place.square() / ink
    k = (xy_mean - x_mean * y_mean) / (yy_mean - y_mean.square()).clamp(min=1e-3)
    return k.clamp(-1, 1), y_mean


class Upright(RandomAffine):
    """Shear each image until its ink stands upright; in train mode, distort it, too."""

    def straighten(self, X):
        """For each image, the affine map (n, 2, 3) that makes it upright."""
        k, middle = slants(X.reshape(-1, 28, 28))
        zero, one = torch.zeros_like(k), torch.ones_like(k)
        parts = [one, k, -k * middle, zero, one, zero]
        return torch.stack(parts, dim=1).reshape(-1, 2, 3)

    def maps(self, X):
        theta = self.straighten(X)
        if self.training:
            last_row = torch.tensor([0.0, 0.0, 1.0], device=X.device)
            last_row = last_row.expand(len(X), 1, 3)
            # (n, 2, 3) @ (n, 3, 3)
            theta = theta @ torch.cat([self.draw(len(X)), last_row], dim=1)
        return theta

    def forward(self, X):
        return warp(X, self.maps(X))


def block(n_in, n_out):
    """A hidden layer; the shift of its norm replaces the bias."""
    linear = nn.Linear(n_in, n_out, bias=False)
    return nn.Sequential(linear, nn.BatchNorm1d(n_out), nn.ReLU())


def reader():
    """The network of the last two rungs, untrained."""
    layers = block(784, 512), block(512, 256), nn.Linear(256, 10)
    return nn.Sequential(Upright(), *layers)
