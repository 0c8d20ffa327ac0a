"""Sequences, graphs, tables and control in plain torch: taggers, series, message passing, recommenders, experts."""

# ruff: noqa: D102, N812  # forward is what a module computes; F is how torch is written
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers_models.registry import Built, architecture, constant, normal, uniform, whole


class Tagger(nn.Module):
    """Characters by a CNN, words by a BiLSTM, Viterbi scores of a CRF by an unrolled max-plus recursion."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.words = nn.Embedding(80, 16, padding_idx=0), nn.Embedding(500, 32, padding_idx=0)
        self.cnn, self.rnn = nn.Conv1d(16, 24, 3, padding=1), nn.LSTM(56, 32, batch_first=True, bidirectional=True)
        self.out, self.moves = nn.Linear(64, 7), nn.Parameter(torch.randn(7, 7))

    def forward(self, words: Tensor, letters: Tensor) -> tuple[Tensor, Tensor]:
        n, t, c = letters.shape
        x = self.letters(letters).view(n * t, c, 16).transpose(1, 2)
        x = torch.cat([F.relu(self.cnn(x)).amax(-1).view(n, t, 24), self.words(words)], -1)
        emissions = self.out(self.rnn(x)[0])
        score, back = emissions[:, 0], []
        for i in range(1, t):
            best, at = (score[:, :, None] + self.moves).max(1)
            score = best + emissions[:, i]
            back.append(at)
        return score, torch.stack(back, 1)


@architecture("ts13", "dy18")
def crf_tagger() -> Built:
    return Built(Tagger(), (whole("words", 1, 8, high=500), whole("letters", 1, 8, 12, high=80)), ("score", "back"))


class GatedGraph(nn.Module):
    """Graph attention on edge lists: gather, softmax by scatter, sums by index_add, and a readout."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.score, self.out = nn.Linear(12, 16), nn.Linear(32, 1), nn.Linear(16, 3)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        x = self.into(nodes)
        source, target = edges[0], edges[1]
        e = F.leaky_relu(self.score(torch.cat([x[source], x[target]], -1)), 0.2).squeeze(-1)
        e = torch.exp(e - e.max())
        total = torch.zeros(nodes.shape[0]).scatter_add(0, target, e)
        weights = e / (total[target] + 1e-6)
        mixed = torch.zeros_like(x).index_add(0, target, x[source] * weights[:, None])
        return self.out(F.elu(mixed) + x)


@architecture("ts16", "dy18")
def graph_attention() -> Built:
    return Built(GatedGraph(), (normal("nodes", 20, 12), whole("edges", 2, 48, high=20)))


class DenseGraph(nn.Module):
    """Skeleton action recognition (ST-GCN): einsum by adjacency, temporal convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adjacency", torch.rand(3, 17, 17))
        self.weights = nn.Parameter(torch.ones(3, 17, 17))
        self.space, self.time = nn.Conv2d(3, 48, 1), nn.Conv2d(16, 16, (9, 1), padding=(4, 0), stride=(2, 1))
        self.norm, self.out = nn.BatchNorm1d(51), nn.Conv2d(16, 10, 1)

    def forward(self, skeleton: Tensor) -> Tensor:
        n, c, t, v, m = skeleton.shape
        x = self.norm(skeleton.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t))
        x = x.view(n, m, v, c, t).permute(0, 1, 3, 4, 2).reshape(n * m, c, t, v)
        x = self.space(x).view(n * m, 3, 16, t, v)
        x = torch.einsum("nkctv,kvw->nctw", x, self.adjacency * self.weights).contiguous()
        x = F.relu(self.time(F.relu(x)))
        return self.out(F.avg_pool2d(x, x.shape[2:]).view(n, m, -1, 1, 1).mean(1)).view(n, -1)


@architecture("ts12", "dy18")
def skeleton_graph() -> Built:
    return Built(DenseGraph(), (normal("skeleton", 1, 3, 16, 17, 2),), ("actions",))


class Recommender(nn.Module):
    """DLRM: embedding bags, pairwise products of features (a triangle taken by indices), factorisation machine."""

    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(200, 16, mode=mode) for mode in ("sum", "mean", "max"))
        self.bottom, self.top = nn.Sequential(nn.Linear(13, 16), nn.ReLU()), nn.Linear(16 + 6 + 1, 1)
        self.linear = nn.Embedding(200, 1)

    def forward(self, dense: Tensor, sparse: Tensor) -> Tensor:
        x = self.bottom(torch.log1p(dense.clamp(min=0)))
        fields = torch.stack([x, *(bag(sparse[:, i]) for i, bag in enumerate(self.bags))], 1)
        products = torch.bmm(fields, fields.transpose(1, 2))
        rows, columns = torch.tril_indices(4, 4, -1)
        pairs = products[:, rows, columns]
        machine = 0.5 * (fields.sum(1).pow(2) - fields.pow(2).sum(1)).sum(1, keepdim=True)
        return torch.sigmoid(self.top(torch.cat([x, pairs, machine], 1)) + self.linear(sparse).sum((1, 2))[:, None])


@architecture("ts17", "dy18")
def recommender() -> Built:
    return Built(Recommender(), (uniform("dense", 4, 13, high=50), whole("sparse", 4, 3, 5, high=200)), ("click",))


class Experts(nn.Module):
    """Mixture of experts: the best two of four by topk, weights spread by scatter, rotary positions, RMS norms."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.router = nn.Embedding(300, 32), nn.Linear(32, 4, bias=False)
        self.up, self.down = nn.Parameter(torch.randn(4, 32, 64) * 0.1), nn.Parameter(torch.randn(4, 64, 32) * 0.1)
        self.qkv, self.norm = nn.Linear(32, 96, bias=False), nn.RMSNorm(32)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        n, t, d = x.shape
        q, k, v = (y.view(n, t, 4, 8).transpose(1, 2) for y in self.qkv(self.norm(x)).split(32, -1))
        angles = torch.outer(torch.arange(t).float(), 1 / 100 ** (torch.arange(0, 8, 2).float() / 8))
        turn = (torch.cos(angles), torch.sin(angles))
        q, k = (_rotated(y, *turn) for y in (q, k))
        x = x + F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, d)
        best, chosen = self.router(x).softmax(-1).topk(2, -1)
        weights = torch.zeros(n, t, 4).scatter(-1, chosen, best / best.sum(-1, keepdim=True))
        each = torch.einsum("bteh,ehd->bted", F.silu(torch.einsum("btd,edh->bteh", x, self.up)), self.down)
        return x + (each * weights[..., None]).sum(2)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


@architecture("ts17", "dy18", "dy23")
def mixture_of_experts() -> Built:
    return Built(Experts(), (whole("tokens", 1, 16, high=300),))


class Receptance(nn.Module):
    """RWKV step: exponentials kept stable by a running maximum, token shift, squared ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.decay, self.first = (nn.Parameter(torch.rand(32)) for _ in range(3))
        self.k, self.v, self.r, self.out = (nn.Linear(32, 32, bias=False) for _ in range(4))
        self.key, self.value, self.norm = nn.Linear(32, 64), nn.Linear(64, 32), nn.LayerNorm(32)

    def forward(self, x: Tensor, shift: Tensor, top: Tensor, bottom: Tensor, peak: Tensor) -> tuple[Tensor, ...]:
        h = self.norm(x)
        mixed = h * self.mix + shift * (1 - self.mix)
        k, v, r = self.k(mixed), self.v(mixed), torch.sigmoid(self.r(h))
        high = torch.maximum(peak, k + self.first)
        old, new = torch.exp(peak - high), torch.exp(k + self.first - high)
        x = x + self.out(r * (old * top + new * v) / (old * bottom + new))
        later = torch.maximum(peak - torch.exp(self.decay), k)
        old, new = torch.exp(peak - torch.exp(self.decay) - later), torch.exp(k - later)
        y = x + self.value(F.relu(self.key(x)).square())
        return y, h, old * top + new * v, old * bottom + new, later


@architecture("ts14", "dy18")
def rwkv_step() -> Built:
    names = ("x", "shift", "top", "bottom", "peak")
    return Built(Receptance(), tuple(normal(name, 1, 32) for name in names), tuple(f"{name}_out" for name in names))


class Forecaster(nn.Module):
    """Reversible instance norm, moving average, patches, a dilated causal TCN with weight norm, quantiles."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.gate = nn.Linear(8, 32), nn.Linear(32, 64)
        self.tcn = nn.utils.parametrizations.weight_norm(nn.Conv1d(5, 16, 3, dilation=4))
        self.out, self.levels = nn.Linear(2 * 12 * 32 + 16, 24), nn.Linear(24, 24 * 3)

    def forward(self, history: Tensor) -> Tensor:
        mean, spread = history.mean(1, keepdim=True), torch.sqrt(history.var(1, keepdim=True, unbiased=False) + 1e-5)
        x = ((history - mean) / spread).permute(0, 2, 1)
        ends = torch.cat([x[..., :1].repeat(1, 1, 2), x, x[..., -1:].repeat(1, 1, 2)], -1)
        trend = F.avg_pool1d(ends, 5, 1)
        patches = F.glu(self.gate(self.patch((x - trend).unfold(-1, 8, 8)))).flatten(2)
        causal = F.relu(self.tcn(F.pad(trend, (8, 0))))[..., -1:].permute(0, 2, 1).expand(-1, 5, -1)
        y = self.levels(self.out(torch.cat([patches, patches, causal], -1))).view(-1, 5, 24, 3)
        return y.cumsum(-1) * spread.permute(0, 2, 1)[..., None] + mean.permute(0, 2, 1)[..., None]


@architecture("ts16", "dy18")
def forecaster() -> Built:
    return Built(Forecaster(), (normal("history", 1, 96, 5, scale=3),), ("quantiles",))


class Policy(nn.Module):
    """Robot control: a running norm of observations, a squashed Gaussian, quaternion to matrix, clips."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(45 + 9, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 24))
        self.register_buffer("mean", torch.randn(45)), self.register_buffer("deviation", torch.rand(45) + 0.5)

    def forward(self, observation: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        w, x, y, z = F.normalize(turn, dim=-1).unbind(-1)
        matrix = torch.stack(
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
             2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
             2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1
        )  # fmt: skip
        normed = ((observation - self.mean) / self.deviation).clamp(-5, 5)
        mean, log = self.net(torch.cat([normed, matrix], -1)).chunk(2, -1)
        heading = torch.atan2(matrix[:, 3], matrix[:, 0])
        return torch.tanh(mean) * math.pi + heading[:, None], torch.exp(log.clamp(-20, 2))


@architecture("ts11", "ts17d", "dy18")
def robot_policy() -> Built:
    inputs = (normal("observation", 1, 45, free=(0,)), normal("turn", 1, 4, free=(0,)))
    return Built(Policy(), inputs, ("action", "spread"))


class Splines(nn.Module):
    """A Kolmogorov–Arnold layer: cubic B-splines by comparisons and recursion; positional encodings of NeRF."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("knots", (torch.arange(-3, 9).float() * 0.4 - 1).expand(9, -1).contiguous())
        self.spline, self.base = nn.Parameter(torch.randn(16, 9, 8) * 0.1), nn.Linear(9, 16)
        self.out = nn.Linear(16 * 9, 4)

    def forward(self, x: Tensor) -> Tensor:
        u = x.unsqueeze(-1)
        b = ((u >= self.knots[:, :-1]) & (u < self.knots[:, 1:])).to(x.dtype)
        for k in range(1, 4):
            left = (u - self.knots[:, : -(k + 1)]) / (self.knots[:, k:-1] - self.knots[:, : -(k + 1)])
            right = (self.knots[:, k + 1 :] - u) / (self.knots[:, k + 1 :] - self.knots[:, 1:-k])
            b = left * b[..., :-1] + right * b[..., 1:]
        h = self.base(F.silu(x)) + F.linear(b.flatten(1), self.spline.flatten(1))
        waves = [h, *(f(h * 2.0**i * 0.5) for i in range(4) for f in (torch.sin, torch.cos))]
        return self.out(torch.cat(waves, -1))


@architecture("ts17", "dy18")
def spline_network() -> Built:
    return Built(Splines(), (uniform("x", 8, 9, low=-0.95, high=0.95),))


class Memory(nn.Module):
    """Linear attention with decay by cumulative sums, a causal mask by tril, windows by roll."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.beta, self.out = nn.Linear(24, 72), nn.Linear(24, 1), nn.Linear(24, 24)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        q, k, v = self.qkv(torch.roll(x, shifts=2, dims=1)).chunk(3, -1)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        decay = F.logsigmoid(self.beta(x)).cumsum(1)
        gate = torch.exp((decay - decay.transpose(1, 2)).clamp(max=0)).tril()
        scores = torch.where(valid[:, None, :].bool(), q @ k.transpose(1, 2) * gate, torch.zeros(()))
        y = scores @ v / (scores.sum(-1, keepdim=True) + 1e-3)
        return self.out(y) * valid[..., None]


@architecture("ts17", "dy18")
def linear_attention() -> Built:
    return Built(Memory(), (normal("x", 1, 20, 24), constant("valid", 1, 20, value=1)))
