"""Heads that decode: detectors with anchors and distributions, key points, sets, point clouds, matching."""

# ruff: noqa: D101, D102, N812  # forward is what a module computes; F is how torch is written
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers_models.registry import Built, architecture, normal, uniform


def _conv(into: int, out: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(into, out, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(out), nn.SiLU())


class Pyramid(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16, 2), _conv(16, 24, 2))
        self.levels = nn.ModuleList((_conv(24, width, 2), _conv(width, width, 2), _conv(width, width, 2)))

    def forward(self, x: Tensor) -> list[Tensor]:
        x, found = self.stem(x), []
        for level in self.levels:
            x = level(x)
            found.append(x)
        top = found[-1]
        merged = [top]
        for each in reversed(found[:-1]):
            top = each + F.interpolate(top, size=each.shape[-2:], mode="nearest")
            merged.insert(0, top)
        return merged


class AnchorYolo(nn.Module):
    """YOLOv5/v7: three anchors a place, decoded within the model in five dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = Pyramid(), nn.ModuleList(nn.Conv2d(32, 3 * 9, 1) for _ in range(3))
        self.register_buffer("anchors", torch.rand(3, 1, 3, 1, 1, 2) * 64 + 8)

    def forward(self, images: Tensor) -> Tensor:
        found = []
        for level, (x, head) in enumerate(zip(self.body(images), self.heads, strict=True)):
            n, _, h, w = x.shape
            y = head(x).view(n, 3, 9, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
            ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            grid = torch.stack((xs, ys), 2).view(1, 1, h, w, 2).float()
            y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + grid) * 8 * 2**level
            y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * self.anchors[level]
            found.append(y.view(n, -1, 9))
        return torch.cat(found, 1)


@architecture("ts11", "ts12d", "ts17", "dy18")
def anchor_yolo() -> Built:
    return Built(AnchorYolo(), (uniform("images", 1, 3, 160, 160, free=(0, 2, 3)),), ("detections",))


class Nanodet(nn.Module):
    """GFL head: each side is the mean of a distribution (softmax × 0…7), boxes from centres, class scores sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Pyramid()
        self.heads = nn.ModuleList(nn.Sequential(_conv(32, 32, groups=32), nn.Conv2d(32, 10 + 32, 1)) for _ in range(3))
        self.register_buffer("project", torch.arange(8.0))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        boxes, scores = [], []
        for level, (x, head) in enumerate(zip(self.body(images), self.heads, strict=True)):
            n, _, h, w = x.shape
            y = head(x).flatten(2).permute(0, 2, 1)
            classes, sides = y.split([10, 32], -1)
            far = F.linear(sides.reshape(n, h * w, 4, 8).softmax(-1), self.project[None]).squeeze(-1) * 8 * 2**level
            ys, xs = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            centre = torch.stack([xs.reshape(-1), ys.reshape(-1)], -1) * 8 * 2**level
            boxes.append(torch.cat([centre - far[..., :2], centre + far[..., 2:]], -1))
            scores.append(classes.sigmoid())
        return torch.cat(boxes, 1), torch.cat(scores, 1)


@architecture("ts13", "dy18")
def nanodet() -> Built:
    return Built(Nanodet(), (uniform("images", 1, 3, 160, 128),), ("boxes", "scores"))


class Ssd(nn.Module):
    """SSD / RetinaNet: offsets of priors, exp of sizes clipped, softmax with a background class, NHWC heads."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Pyramid()
        self.boxes = nn.ModuleList(nn.Conv2d(32, 6 * 4, 3, padding=1) for _ in range(3))
        self.classes = nn.ModuleList(nn.Conv2d(32, 6 * 5, 3, padding=1) for _ in range(3))
        self.register_buffer("priors", torch.rand(6 * (20 * 20 + 10 * 10 + 5 * 5), 4) * 0.8 + 0.1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.body(images)
        n = images.shape[0]
        boxes = torch.cat(
            [b(x).permute(0, 2, 3, 1).reshape(n, -1, 4) for b, x in zip(self.boxes, maps, strict=True)], 1
        )
        scores = [c(x).permute(0, 2, 3, 1).reshape(n, -1, 5) for c, x in zip(self.classes, maps, strict=True)]
        centre = self.priors[:, :2] + boxes[..., :2] * 0.1 * self.priors[:, 2:]
        size = self.priors[:, 2:] * torch.exp((boxes[..., 2:] * 0.2).clamp(max=4.135))
        return torch.cat([centre - size / 2, centre + size / 2], -1), torch.cat(scores, 1).softmax(-1)


@architecture("ts11", "dy18")
def ssd() -> Built:
    return Built(Ssd(), (uniform("images", 1, 3, 160, 160),), ("boxes", "scores"))


class CenterNet(nn.Module):
    """Peaks by max pooling, the best 20 by topk, their sizes gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heat, self.size = Pyramid(), nn.Conv2d(32, 4, 1), nn.Conv2d(32, 4, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.body(images)[0]
        heat, size = self.heat(x).sigmoid(), self.size(x)
        heat = heat * (F.max_pool2d(heat, 3, 1, 1) == heat).float()
        n, c, h, w = heat.shape
        score, at = heat.view(n, c * h * w).topk(20)
        kind, place = at // (h * w), at % (h * w)
        found = size.permute(0, 2, 3, 1).reshape(n, h * w, 4).gather(1, place[..., None].expand(n, 20, 4))
        x, y = (place % w).float() + found[..., 0], torch.div(place, w, rounding_mode="floor").float() + found[..., 1]
        return (
            torch.stack([x - found[..., 2], y - found[..., 3], x + found[..., 2], y + found[..., 3]], -1),
            score,
            kind,
        )


@architecture("ts16", "dy18")
def centernet() -> Built:
    return Built(CenterNet(), (uniform("images", 1, 3, 128, 128),), ("boxes", "scores", "classes"))


class KeyPoints(nn.Module):
    """SimCC: two classifications a joint; and a soft-argmax over heat maps with visibility."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.maps = Pyramid(), nn.Conv2d(32, 17, 1)
        self.xs, self.ys = nn.Linear(16 * 12, 96), nn.Linear(16 * 12, 128)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heat = self.maps(self.body(image)[0])
        n, joints, h, w = heat.shape
        flat = heat.flatten(2)
        weight = (flat * 10).softmax(-1).view(n, joints, h, w)
        x = (weight.sum(2) * torch.linspace(0, 1, w)).sum(-1)
        y = (weight.sum(3) * torch.linspace(0, 1, h)).sum(-1)
        return self.xs(flat), self.ys(flat), torch.stack([x, y, weight.amax((2, 3))], -1)


@architecture("ts17", "dy18")
def key_points() -> Built:
    return Built(KeyPoints(), (uniform("image", 1, 3, 128, 96),), ("simcc_x", "simcc_y", "joints"))


class PointNet(nn.Module):
    """DGCNN: neighbours by pairwise distance and topk, edges gathered, a max over them; a learned 3 × 3 transform."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = nn.Sequential(nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU())
        self.matrix, self.edge = (
            nn.Linear(32, 9),
            nn.Sequential(nn.Conv2d(6, 32, 1), nn.BatchNorm2d(32), nn.LeakyReLU(0.2)),
        )
        self.out = nn.Sequential(nn.Linear(64, 32), nn.GELU(approximate="tanh"), nn.Linear(32, 7))

    def forward(self, points: Tensor) -> Tensor:
        n, _, count = points.shape
        turn = self.matrix(self.turn(points).max(2).values).view(n, 3, 3) + torch.eye(3)
        x = torch.bmm(points.transpose(2, 1), turn).transpose(2, 1)
        inner = -2 * torch.matmul(x.transpose(2, 1), x)
        squares = x.pow(2).sum(1, keepdim=True)
        near = (-squares - inner - squares.transpose(2, 1)).topk(8, -1).indices
        flat = x.transpose(2, 1).reshape(n * count, 3)
        edges = flat[near.reshape(-1)].view(n, count, 8, 3)
        own = x.transpose(2, 1).unsqueeze(2).expand(-1, -1, 8, -1)
        h = self.edge(torch.cat([edges - own, own], 3).permute(0, 3, 1, 2)).amax(-1)
        return self.out(torch.cat([h.amax(-1), h.mean(-1)], 1)).log_softmax(-1)


@architecture("ts15", "dy18")
def point_cloud() -> Built:
    return Built(PointNet(), (normal("points", 1, 3, 64),), ("logits",))


class Matcher(nn.Module):
    """SuperGlue in small: descriptors normalised, attention across two sets, five rounds of log-domain Sinkhorn."""

    def __init__(self) -> None:
        super().__init__()
        self.cross = nn.MultiheadAttention(32, 4, batch_first=True)
        self.bin = nn.Parameter(torch.tensor(1.0))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        left, right = F.normalize(left, dim=-1), F.normalize(right, dim=-1)
        left, right = left + self.cross(left, right, right)[0], right + self.cross(right, left, left)[0]
        scores = torch.einsum("bnd,bmd->bnm", left, right) / 32**0.5
        n, rows, columns = scores.shape
        scores = torch.cat([scores, self.bin.expand(n, rows, 1)], -1)
        scores = torch.cat([scores, self.bin.expand(n, 1, columns + 1)], 1)
        u, v = torch.zeros(n, rows + 1, 1), torch.zeros(n, 1, columns + 1)
        for _ in range(5):
            u = -torch.logsumexp(scores + v, 2, keepdim=True)
            v = -torch.logsumexp(scores + u, 1, keepdim=True)
        return (scores + u + v)[:, :-1, :-1].exp()


@architecture("ts17", "dy18")
def matcher() -> Built:
    return Built(Matcher(), (normal("left", 1, 30, 32), normal("right", 1, 24, 32)), ("matches",))
