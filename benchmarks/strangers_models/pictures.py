"""Networks on pictures in plain torch: super-resolution, diffusion, segmentation, volumes, matching."""

# ruff: noqa: D101, D102, N812  # forward is what a module computes; F is how torch is written
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers_models.registry import Built, architecture, normal, uniform, whole


class DenseBlock(nn.Module):
    """ESRGAN: convolutions that see all earlier ones, the sum scaled by 0.2."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(width + i * growth, growth, 3, padding=1) for i in range(3))
        self.last = nn.Conv2d(width + 3 * growth, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for layer in self.layers:
            seen.append(F.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.last(torch.cat(seen, 1))


class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head, self.body = nn.Conv2d(3, 24, 3, padding=1), nn.Sequential(*(DenseBlock(24, 12) for _ in range(3)))
        self.up = nn.Sequential(nn.Conv2d(24, 96, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(24))
        self.tail = nn.Conv2d(24, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.head(x)
        y = F.pixel_shuffle(self.tail(self.up(h + self.body(h))), 2)
        return (y + F.interpolate(x, scale_factor=4, mode="bicubic", align_corners=False)).clamp(0, 1)


@architecture("ts14d", "ts20", "dy18")
def super_resolution() -> Built:
    return Built(SuperResolution(), (uniform("image", 1, 3, 48, 64, free=(2, 3)),))


class TimeBlock(nn.Module):
    """A residual block of a diffusion network: GroupNorm, SiLU, and the time added by channel."""

    def __init__(self, into: int, out: int, time: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(into, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.norm1, self.norm2 = nn.GroupNorm(8, into), nn.GroupNorm(8, out)
        self.time, self.skip = nn.Linear(time, 2 * out), nn.Conv2d(into, out, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.first(F.silu(self.norm1(x)))
        scale, shift = self.time(F.silu(t))[:, :, None, None].chunk(2, 1)
        return self.skip(x) + self.second(F.silu(self.norm2(h) * (1 + scale) + shift))


class Attention2d(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm, self.qkv = heads, nn.GroupNorm(8, width), nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).unbind(1)
        weights = torch.einsum("bhcn,bhcm->bhnm", q, k).mul((c // self.heads) ** -0.5).softmax(-1)
        return x + self.out(torch.einsum("bhnm,bhcm->bhcn", weights, v).reshape(b, c, h, w))


class Diffusion(nn.Module):
    """A U-Net that predicts noise, with a sinusoidal embedding of the step."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 64))
        self.head, self.down1, self.down2 = nn.Conv2d(4, 32, 3, padding=1), TimeBlock(32, 32, 64), TimeBlock(32, 64, 64)
        self.shrink, self.attention = nn.Conv2d(32, 32, 3, stride=2, padding=1), Attention2d(64, 4)
        self.grow, self.up = nn.Conv2d(64, 32, 3, padding=1), TimeBlock(64, 32, 64)
        self.tail = nn.Sequential(nn.GroupNorm(8, 32), nn.SiLU(), nn.Conv2d(32, 4, 3, padding=1))

    def forward(self, latent: Tensor, step: Tensor) -> Tensor:
        speeds = torch.exp(-math.log(10000) * torch.arange(16, dtype=torch.float32) / 16)
        angles = step[:, None].float() * speeds[None]
        t = self.time(torch.cat([torch.cos(angles), torch.sin(angles)], -1))
        h1 = self.down1(self.head(latent), t)
        h2 = self.attention(self.down2(self.shrink(h1), t))
        h = self.grow(F.interpolate(h2, scale_factor=2.0, mode="nearest"))
        return self.tail(self.up(torch.cat([h, h1], 1), t))


@architecture("ts17", "dy18", "ts13d")
def diffusion_unet() -> Built:
    inputs = (normal("latent", 1, 4, 32, 32, free=(2, 3)), whole("step", 1, high=900, low=100))
    return Built(Diffusion(), inputs, ("noise",))


class Volumes(nn.Module):
    """A small 3-D U-Net of medical imaging."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.InstanceNorm3d(8, affine=True), nn.LeakyReLU(0.01))
        self.second = nn.Sequential(nn.Conv3d(8, 16, 3, stride=2, padding=1), nn.BatchNorm3d(16), nn.ReLU())
        self.up, self.last = nn.ConvTranspose3d(16, 8, 2, stride=2), nn.Conv3d(16, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        return self.last(torch.cat([self.up(self.second(h)), h], 1)).softmax(1)


@architecture("ts17", "dy18")
def volume_unet() -> Built:
    return Built(Volumes(), (normal("volume", 1, 1, 16, 32, 32),), ("segments",))


class DeepLab(nn.Module):
    """Atrous spatial pyramid pooling on a small backbone, argmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.Hardswish(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, groups=16), nn.BatchNorm2d(32), nn.ReLU6(),
        )  # fmt: skip
        self.branches = nn.ModuleList(nn.Conv2d(32, 16, 3, padding=d, dilation=d) for d in (1, 6, 12))
        self.pool, self.out = nn.Conv2d(32, 16, 1), nn.Conv2d(64, 5, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        pooled = F.interpolate(self.pool(F.adaptive_avg_pool2d(h, 1)), size=h.shape[2:], mode="bilinear")
        h = self.out(torch.cat([*(F.relu(b(h)) for b in self.branches), pooled], 1))
        logits = F.interpolate(h, size=x.shape[2:], mode="bilinear", align_corners=True)
        return logits, logits.argmax(1)


@architecture("ts11", "ts16d", "dy18", "dy21")
def deeplab() -> Built:
    return Built(DeepLab(), (normal("image", 1, 3, 96, 128, free=(2, 3)),), ("logits", "classes"))


class OpticalFlow(nn.Module):
    """RAFT in small: all-pairs correlation, looked up by grid_sample around the flow, refined by a ConvGRU."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(3, 24, 7, stride=4, padding=3), nn.InstanceNorm2d(24), nn.ReLU())
        self.gate, self.new = nn.Conv2d(24 + 25 + 2, 48, 3, padding=1), nn.Conv2d(24 + 25 + 2, 24, 3, padding=1)
        self.flow = nn.Conv2d(24, 2, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        a, b = self.encode(first), self.encode(second)
        n, c, h, w = a.shape
        volume = torch.matmul(a.flatten(2).transpose(1, 2), b.flatten(2)).div(c**0.5).reshape(n * h * w, 1, h, w)
        ys, xs = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
        start = torch.stack([xs, ys], -1)[None]
        steps = torch.arange(-2, 3).float()
        around = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).reshape(1, 25, 2)
        flow, state = torch.zeros_like(start), torch.tanh(a)
        for _ in range(2):
            places = (start + flow).reshape(h * w, 1, 1, 2) + around.reshape(1, 5, 5, 2)
            grid = 2 * places / torch.tensor([w - 1.0, h - 1.0]) - 1
            found = F.grid_sample(volume, grid, align_corners=True).reshape(n, h, w, 25).permute(0, 3, 1, 2)
            seen = torch.cat([state, found, flow.permute(0, 3, 1, 2)], 1)
            update, reset = torch.sigmoid(self.gate(seen)).chunk(2, 1)
            fresh = torch.tanh(self.new(torch.cat([reset * state, found, flow.permute(0, 3, 1, 2)], 1)))
            state = (1 - update) * state + update * fresh
            flow = flow + self.flow(state).permute(0, 2, 3, 1)
        return flow.permute(0, 3, 1, 2)


@architecture("ts16", "dy18")
def optical_flow() -> Built:
    return Built(OpticalFlow(), (uniform("first", 1, 3, 48, 64), uniform("second", 1, 3, 48, 64)), ("flow",))


class Style(nn.Module):
    """Fast style transfer: reflection padding, instance norms, nearest upsampling, output scaled to 0…255."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(4), nn.Conv2d(3, 16, 9), nn.InstanceNorm2d(16, affine=True), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(16, 32, 3, stride=2), nn.InstanceNorm2d(32, affine=True), nn.ReLU(),
            nn.Upsample(scale_factor=2), nn.ReplicationPad2d(1), nn.Conv2d(32, 3, 3),
        )  # fmt: skip

    def forward(self, frame: Tensor) -> Tensor:
        y = self.layers(frame.permute(0, 3, 1, 2).float() / 255)
        return (torch.tanh(y) * 127.5 + 127.5).permute(0, 2, 3, 1).clamp(0, 255).to(torch.uint8)


@architecture("ts12", "dy18")
def style_transfer_uint8() -> Built:
    return Built(Style(), (whole("frame", 1, 64, 64, 3, high=256, dtype="uint8"),), ("styled",))


class VectorQuantized(nn.Module):
    """VQ-VAE: the nearest codebook entry by squared distance, decoded with transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 16, 4, 2, 1), nn.ELU(), nn.Conv2d(16, 16, 4, 2, 1))
        self.codes = nn.Parameter(torch.randn(64, 16))
        self.up = nn.Sequential(nn.ConvTranspose2d(16, 16, 4, 2, 1), nn.SELU(), nn.ConvTranspose2d(16, 3, 4, 2, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.down(x).permute(0, 2, 3, 1)
        flat = z.reshape(-1, 16)
        far = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.codes.t() + self.codes.pow(2).sum(1)
        ids = far.argmin(1)
        near = F.embedding(ids, self.codes).view_as(z)
        return torch.sigmoid(self.up(near.permute(0, 3, 1, 2))), ids.view(z.shape[:3])


@architecture("ts15", "dy18")
def vector_quantized() -> Built:
    return Built(VectorQuantized(), (uniform("image", 1, 3, 32, 32),), ("again", "places"))


class Wavelets(nn.Module):
    """Haar wavelets by strided slices, a soft threshold on the details, and back by a scatter of slices."""

    def __init__(self) -> None:
        super().__init__()
        self.clean = nn.Conv2d(12, 9, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
        low, details = (a + b + c + d) / 2, torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2
        threshold = torch.sigmoid(self.clean(torch.cat([low, details], 1))) * 0.1
        details = torch.sign(details) * F.relu(details.abs() - threshold)
        h, v, o = details.chunk(3, 1)
        out = torch.zeros_like(x)
        out[..., ::2, ::2], out[..., ::2, 1::2] = (low + h + v + o) / 2, (low - h + v - o) / 2
        out[..., 1::2, ::2], out[..., 1::2, 1::2] = (low + h - v - o) / 2, (low - h - v + o) / 2
        return out


@architecture("ts17", "dy18")
def wavelet_denoiser() -> Built:
    return Built(Wavelets(), (uniform("image", 1, 3, 32, 48),))


class Kernels(nn.Module):
    """Kernel prediction: each pixel is a softmax-weighted sum of its 5 × 5 neighbours (unfold)."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Softplus(), nn.Conv2d(16, 25, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        weights = self.weights(x).softmax(1).reshape(n, 1, 25, h, w)
        return (F.unfold(x, 5, padding=2).reshape(n, c, 25, h, w) * weights).sum(2)


@architecture("ts14", "dy18")
def kernel_prediction() -> Built:
    return Built(Kernels(), (uniform("image", 1, 3, 24, 32),))
