"""Networks on sound in plain torch: conformers, separators, denoisers, vocoders, spotting, speakers."""

# ruff: noqa: D101, D102, N812  # forward is what a module computes; F is how torch is written
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers_models.registry import Built, architecture, constant, normal, whole


class RelativeAttention(nn.Module):
    """Transformer-XL attention as in conformers: content and position scores, the latter shifted by a reshape."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.q, self.k, self.v = heads, *(nn.Linear(width, width) for _ in range(3))
        self.place, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.u = nn.Parameter(torch.randn(heads, width // heads) * 0.1)
        self.w = nn.Parameter(torch.randn(heads, width // heads) * 0.1)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        n, t, d = x.shape
        q = self.q(x).view(n, t, self.heads, -1)
        k = self.k(x).view(n, t, self.heads, -1).transpose(1, 2)
        v = self.v(x).view(n, t, self.heads, -1).transpose(1, 2)
        p = self.place(places).view(1, -1, self.heads, d // self.heads).transpose(1, 2)
        content = torch.matmul((q + self.u).transpose(1, 2), k.transpose(-2, -1))
        shifted = torch.matmul((q + self.w).transpose(1, 2), p.transpose(-2, -1))
        shifted = F.pad(shifted, (1, 0)).view(n, self.heads, -1, t)[:, :, 1:].view(n, self.heads, t, -1)[..., :t]
        scores = (content + shifted) / math.sqrt(d // self.heads)
        weights = scores.masked_fill(mask, -10000.0).softmax(-1).masked_fill(mask, 0.0)
        return self.out(torch.matmul(weights, v).transpose(1, 2).reshape(n, t, d))


class ConformerBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(5))
        self.feeds = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width)) for _ in range(2)
        )
        self.attention = RelativeAttention(width, 4)
        self.gate, self.deep = nn.Conv1d(width, 2 * width, 1), nn.Conv1d(width, width, 9, padding=4, groups=width)
        self.batch, self.point = nn.BatchNorm1d(width), nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor, pad: Tensor) -> Tensor:
        x = x + 0.5 * self.feeds[0](self.norms[0](x))
        x = x + self.attention(self.norms[1](x), places, mask)
        y = F.glu(self.gate(self.norms[2](x).transpose(1, 2)), dim=1).masked_fill(pad, 0.0)
        x = x + self.point(F.silu(self.batch(self.deep(y)))).transpose(1, 2)
        return self.norms[4](x + 0.5 * self.feeds[1](self.norms[3](x)))


class Conformer(nn.Module):
    """FastConformer with CTC: features and their length in, log-probabilities and the new length out."""

    def __init__(self) -> None:
        super().__init__()
        self.shrink = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1, groups=16), nn.ReLU()
        )
        self.into, self.blocks = nn.Linear(16 * 20, 64), nn.ModuleList(ConformerBlock(64) for _ in range(2))
        self.out = nn.Linear(64, 29)

    def forward(self, features: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        x = self.shrink(features.transpose(1, 2).unsqueeze(1))
        n, c, t, f = x.shape
        x = self.into(x.transpose(1, 2).reshape(n, t, c * f)) * math.sqrt(64)
        short = torch.div(torch.div(length - 1, 2, rounding_mode="floor"), 2, rounding_mode="floor") + 1
        pad = torch.arange(t)[None] >= short[:, None]
        place = torch.arange(t - 1, -t, -1).float()[:, None]
        rates = torch.exp(torch.arange(0, 64, 2).float() * -(math.log(10000.0) / 64))
        places = torch.stack([torch.sin(place * rates), torch.cos(place * rates)], -1).flatten(1)[None]
        mask = (pad[:, None, :] | pad[:, :, None])[:, None]
        for block in self.blocks:
            x = block(x, places, mask, pad[:, None, :])
        return self.out(x).log_softmax(-1), short


@architecture("ts17", "ts14d", "dy18")
def conformer_ctc() -> Built:
    inputs = (normal("features", 1, 80, 96, free=(2,)), constant("length", 1, value=90))
    return Built(Conformer(), inputs, ("log_probabilities", "lengths"))


class TasNet(nn.Module):
    """Conv-TasNet: learned filter bank, dilated temporal blocks with global norm and PReLU, masks, overlap-add."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Conv1d(1, 48, 16, 8, bias=False), nn.ConvTranspose1d(48, 1, 16, 8, bias=False)
        self.narrow, self.masks = nn.Conv1d(48, 24, 1), nn.Conv1d(24, 96, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(24, 48, 1), nn.PReLU(), nn.GroupNorm(1, 48),
                nn.Conv1d(48, 48, 3, padding=2**i, dilation=2**i, groups=48), nn.PReLU(), nn.GroupNorm(1, 48),
                nn.Conv1d(48, 24, 1),
            ) for i in range(4)
        )  # fmt: skip

    def forward(self, mixture: Tensor) -> Tensor:
        w = F.relu(self.encode(mixture.unsqueeze(1)))
        x = self.narrow(F.group_norm(w, 1))
        for block in self.blocks:
            x = x + block(x)
        n, c, t = w.shape
        masked = w.unsqueeze(1) * torch.sigmoid(self.masks(x)).view(n, 2, c, t)
        return self.decode(masked.view(n * 2, c, t)).view(n, 2, -1)


@architecture("ts12", "ts17d", "dy18")
def conv_tasnet() -> Built:
    return Built(TasNet(), (normal("mixture", 1, 4000, scale=0.1, free=(1,)),), ("sources",))


class StreamingDenoiser(nn.Module):
    """RNNoise / DeepFilter step: one frame, recurrent states in and out, band gains, complex filter of five frames."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 8, (3, 3), padding=(0, 1))
        self.lin, self.gru1, self.gru2 = nn.Linear(8 * 65, 96), nn.GRU(96, 96), nn.GRUCell(96, 48)
        self.gains, self.taps = nn.Linear(96, 22), nn.Linear(48, 5 * 2 * 16)
        self.register_buffer("bands", torch.rand(22, 65).softmax(0))

    def forward(self, spectrum: Tensor, past: Tensor, h1: Tensor, h2: Tensor) -> tuple[Tensor, ...]:
        frames = torch.cat([past, spectrum.permute(0, 3, 1, 2)], 2)
        x = F.relu(self.conv(frames[:, :, -3:])).flatten(1)
        y, h1 = self.gru1(torch.tanh(self.lin(x)).unsqueeze(0), h1)
        h2 = self.gru2(y[0], h2)
        gains = torch.sigmoid(self.gains(y[0])) @ self.bands
        taps = self.taps(h2).view(-1, 5, 16, 2)
        low = frames[:, :, -5:, :16].permute(0, 2, 3, 1)
        real = (low[..., 0] * taps[..., 0] - low[..., 1] * taps[..., 1]).sum(1)
        imag = (low[..., 0] * taps[..., 1] + low[..., 1] * taps[..., 0]).sum(1)
        high = spectrum[:, 0, 16:] * gains[:, 16:, None]
        out = torch.cat([torch.stack([real, imag], -1), high], 1)
        return out, frames[:, :, 1:], h1, h2


@architecture("ts15", "dy18")
def streaming_denoiser() -> Built:
    inputs = (normal("spectrum", 1, 1, 65, 2), normal("past", 1, 2, 4, 65), normal("h1", 1, 1, 96), normal("h2", 1, 48))
    return Built(StreamingDenoiser(), inputs, ("clean", "past_out", "h1_out", "h2_out"))


class Vocoder(nn.Module):
    """HiFi-GAN with snake activations, and an inverse STFT head (iSTFTNet) as a transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.pre, self.up = nn.Conv1d(40, 32, 7, padding=3), nn.ConvTranspose1d(32, 16, 8, 4, 2)
        self.blocks = nn.ModuleList(nn.Conv1d(16, 16, 3, padding=d, dilation=d) for d in (1, 3, 5))
        self.alpha, self.post = nn.Parameter(torch.rand(16, 1) + 0.5), nn.Conv1d(16, 18, 7, padding=3)
        k = torch.arange(9.0)[:, None] * torch.arange(16.0)[None] * (2 * math.pi / 16)
        self.register_buffer("basis", torch.cat([torch.cos(k), -torch.sin(k)]).unsqueeze(1) / 16)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.up(F.leaky_relu(self.pre(mel), 0.1))
        for block in self.blocks:
            y = x + torch.sin(self.alpha * x).pow(2) / (self.alpha + 1e-9)
            x = x + block(y)
        x = F.pad(F.leaky_relu(x), (1, 0), mode="reflect")
        size, phase = torch.exp(self.post(x)[:, :9]), torch.sin(self.post(x)[:, 9:])
        spectrum = torch.cat([size * torch.cos(phase), size * torch.sin(phase)], 1)
        return torch.tanh(F.conv_transpose1d(spectrum, self.basis, stride=4, padding=6))


@architecture("ts17", "dy18")
def vocoder() -> Built:
    return Built(Vocoder(), (normal("mel", 1, 40, 32),), ("waveform",))


class Speaker(nn.Module):
    """ECAPA-TDNN: Res2 blocks, squeeze and excitation, attentive statistics (mean and deviation), unit embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(40, 64, 5, padding=2)
        self.parts = nn.ModuleList(nn.Conv1d(16, 16, 3, padding=2, dilation=2) for _ in range(3))
        self.squeeze, self.excite = nn.Conv1d(64, 16, 1), nn.Conv1d(16, 64, 1)
        self.attend, self.score, self.out = nn.Conv1d(192, 32, 1), nn.Conv1d(32, 64, 1), nn.Linear(128, 48)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        x = F.relu(self.first((features - features.mean(1, keepdim=True)).transpose(1, 2)))
        pieces, last = [*x.chunk(4, 1)], torch.zeros(1)
        for i, part in enumerate(self.parts):
            last = F.relu(part(pieces[i + 1] + (last if i else 0)))
            pieces[i + 1] = last
        y = torch.cat(pieces, 1)
        x = x + y * torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean(2, keepdim=True)))))
        t = x.shape[-1]
        mask = (torch.arange(t)[None] < (lengths * t).round()[:, None]).unsqueeze(1)
        mean, deviation = x.mean(2, keepdim=True), (x.var(2, keepdim=True) + 1e-12).clamp(1e-12).sqrt()
        seen = torch.cat([x, mean.expand(-1, -1, t), deviation.expand(-1, -1, t)], 1)
        weights = self.score(torch.tanh(self.attend(seen))).masked_fill(~mask, float("-inf")).softmax(2)
        mean = (weights * x).sum(2)
        deviation = ((weights * x.pow(2)).sum(2) - mean.pow(2)).clamp(min=1e-12).sqrt()
        return F.normalize(self.out(torch.cat([mean, deviation], 1)), dim=1)


@architecture("ts17", "dy18")
def speaker_embedding() -> Built:
    inputs = (normal("features", 1, 100, 40), constant("lengths", 1, value=0.9, dtype="float32"))
    return Built(Speaker(), inputs, ("embedding",))


class TextToMel(nn.Module):
    """FastSpeech 2 of fixed length: durations rounded, frames by cumulative sums against a ramp, pitch buckets."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layer = nn.Embedding(60, 48), nn.TransformerEncoderLayer(48, 4, 96, batch_first=True)
        self.length, self.pitch = nn.Linear(48, 1), nn.Linear(48, 1)
        self.buckets, self.register = nn.Embedding(17, 48), nn.Buffer(torch.linspace(-1, 1, 16))
        self.out = nn.Linear(48, 40)

    def forward(self, ids: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
        x = self.layer(self.embed(ids))
        frames = torch.clamp(torch.round((torch.exp(self.length(x).squeeze(-1)) + 1) * speed), min=1)
        x = x + self.buckets((self.pitch(x) > self.register).long().sum(-1))
        ends = frames.cumsum(1)
        ramp = torch.arange(64).float()[None, :, None]
        alignment = ((ramp >= (ends - frames)[:, None]) & (ramp < ends[:, None])).float()
        return self.out(alignment @ x), frames.long()


@architecture("ts17", "dy18")
def text_to_mel() -> Built:
    inputs = (whole("ids", 1, 20, high=60), constant("speed", 1, value=1.1, dtype="float32"))
    return Built(TextToMel(), inputs, ("mel", "durations"))


class Spotter(nn.Module):
    """Keyword spotting from a waveform: frames, DFT, mel, log, a small CNN, a bidirectional LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hamming_window(256))
        self.register_buffer("mel", torch.rand(129, 32) * 0.05)
        self.cnn = nn.Sequential(nn.Conv2d(1, 16, 3, (2, 2), 1), nn.BatchNorm2d(16), nn.Mish(), nn.Dropout(0.1))
        self.rnn, self.out = nn.LSTM(256, 32, 2, batch_first=True, bidirectional=True), nn.Linear(64, 11)

    def forward(self, waveform: Tensor) -> Tensor:
        padded = F.pad(waveform[:, None], (128, 128), mode="reflect")[:, 0]
        frames = padded.unfold(1, 256, 128) * self.window
        k = torch.arange(129.0)[:, None] * torch.arange(256.0)[None] * (2 * math.pi / 256)
        real, imag = frames @ torch.cos(k).t(), frames @ torch.sin(k).t()
        x = torch.log10(torch.clamp((real**2 + imag**2) @ self.mel, min=1e-10))
        x = torch.maximum(x, x.amax((1, 2), keepdim=True) - 8.0)
        x = self.cnn(((x + 4.0) / 4.0).unsqueeze(1)).permute(0, 2, 1, 3).flatten(2)
        y, (h, _) = self.rnn(x)
        return self.out(y.mean(1) + torch.cat([h[-2], h[-1]], -1))


@architecture("ts17", "ts11", "dy18")
def keyword_spotter() -> Built:
    return Built(Spotter(), (normal("waveform", 1, 4096, scale=0.1),), ("logits",))
