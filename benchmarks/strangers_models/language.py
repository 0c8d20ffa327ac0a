"""Models of transformers that nobody tuned for, small ones: language, sound, pictures, series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import transformers

from strangers_models.registry import Built, Called, Spec, architecture, constant, normal, whole

BERT = {
    "vocab_size": 600,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
LLAMA = {**BERT, "num_key_value_heads": 2, "max_position_embeddings": 64}
VIT = {k: v for k, v in BERT.items() if k != "vocab_size"} | {"image_size": 64, "patch_size": 16}
WAVE = {
    **BERT,
    "vocab_size": 32,
    "conv_dim": (32,) * 3,
    "conv_stride": (5, 4, 2),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}

TEXT: tuple[Spec, ...] = (
    whole("input_ids", 1, 16, low=3, high=600, free=(1,)),
    constant("attention_mask", 1, 16, free=(1,)),
)
IMAGE: tuple[Spec, ...] = (normal("pixel_values", 1, 3, 64, 64),)
SOUND: tuple[Spec, ...] = (normal("input_values", 1, 4000, scale=0.1, free=(1,)),)


def _add(  # noqa: PLR0917  # a row of a table
    name: str,
    kind: str,
    config: dict[str, Any],
    variants: Sequence[str],
    inputs: tuple[Spec, ...],
    call: Callable[..., Any],
    attention: str = "eager",
) -> None:
    def build() -> Built:
        found = getattr(transformers, kind)
        settings = found.config_class(**config)
        try:
            model = found._from_config(settings, attn_implementation=attention)
        except ValueError:
            model = found(settings)
        return Built(Called(model, call), inputs)

    architecture(*variants, name=name)(build)


def _hidden(model: Any, ids: Any, mask: Any) -> Any:
    return model(input_ids=ids, attention_mask=mask).last_hidden_state


def _logits(model: Any, ids: Any, mask: Any) -> Any:
    return model(input_ids=ids, attention_mask=mask).logits


def _cacheless(model: Any, ids: Any, mask: Any) -> Any:
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits


def _first(model: Any, x: Any) -> Any:
    return model(x)[0]


_add("electra", "ElectraModel", {**BERT, "embedding_size": 32}, ("ts11", "dy18"), TEXT, _hidden)
_add(
    "mobilebert",
    "MobileBertModel",
    {**BERT, "embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32},
    ("ts13d",),
    TEXT,
    _hidden,
)
_add("squeezebert", "SqueezeBertModel", {**BERT, "embedding_size": 64}, ("ts17",), TEXT, _hidden)
_add("mpnet", "MPNetModel", BERT, ("ts14d", "dy18"), TEXT, _hidden)
_add(
    "fnet",
    "FNetModel",
    {**BERT, "max_position_embeddings": 64},
    ("dy18",),
    TEXT[:1],
    lambda m, i: m(input_ids=i).last_hidden_state,
)
_add("roformer", "RoFormerModel", {**BERT, "embedding_size": 64}, ("ts17", "dy18"), TEXT, _hidden)
_add(
    "xlnet",
    "XLNetModel",
    {"vocab_size": 600, "d_model": 64, "n_layer": 2, "n_head": 4, "d_inner": 128},
    ("ts17",),
    TEXT,
    _hidden,
)
_add(
    "modernbert",
    "ModernBertModel",
    {**BERT, "pad_token_id": 0, "global_attn_every_n_layers": 2, "local_attention": 8},
    ("dy18", "ts17"),
    TEXT,
    _hidden,
)
_add("llama", "LlamaForCausalLM", LLAMA, ("ts17d", "dy18", "dy20"), TEXT, _cacheless, "sdpa")
_add("qwen2", "Qwen2ForCausalLM", LLAMA, ("ts14", "dy18d"), TEXT, _cacheless)
_add("gemma", "GemmaForCausalLM", {**LLAMA, "head_dim": 16}, ("ts17",), TEXT, _cacheless)
_add("phi", "PhiForCausalLM", {**LLAMA, "num_key_value_heads": 4}, ("dy18",), TEXT, _cacheless, "sdpa")
_add(
    "bloom",
    "BloomForCausalLM",
    {"vocab_size": 600, "hidden_size": 64, "n_layer": 2, "n_head": 4},
    ("ts17", "dy18"),
    TEXT,
    _cacheless,
)
_add(
    "opt",
    "OPTForCausalLM",
    {
        "vocab_size": 600,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "ffn_dim": 128,
        "max_position_embeddings": 64,
        "word_embed_proj_dim": 64,
    },
    ("ts15",),
    TEXT,
    _cacheless,
)
_add("gpt_neox", "GPTNeoXForCausalLM", {**BERT, "max_position_embeddings": 64}, ("ts17", "dy18"), TEXT, _cacheless)
_add(
    "convnextv2",
    "ConvNextV2ForImageClassification",
    {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 2, 1]},
    ("ts17", "dy18"),
    IMAGE,
    _first,
)
_add(
    "mobilevit",
    "MobileViTForImageClassification",
    {"image_size": 64, "hidden_sizes": [32, 48, 64], "neck_hidden_sizes": [8, 16, 24, 32, 48, 64, 96]},
    ("ts12", "dy18"),
    IMAGE,
    _first,
)
_add(
    "mobilevitv2",
    "MobileViTV2ForImageClassification",
    {"image_size": 64, "width_multiplier": 0.5},
    ("dy18",),
    IMAGE,
    _first,
)
_add("dinov2", "Dinov2Model", {**VIT, "patch_size": 16, "image_size": 80}, ("ts17", "dy18"), IMAGE, _first)
_add("beit", "BeitModel", {**VIT, "use_relative_position_bias": True}, ("ts17", "dy18"), IMAGE, _first)
_add(
    "poolformer",
    "PoolFormerForImageClassification",
    {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]},
    ("ts13",),
    IMAGE,
    _first,
)
_add(
    "pvt_v2",
    "PvtV2ForImageClassification",
    {"image_size": 64, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]},
    ("ts17", "dy18"),
    IMAGE,
    _first,
)
_add(
    "focalnet",
    "FocalNetForImageClassification",
    {"image_size": 64, "embed_dim": 24, "depths": [1, 1, 1, 1], "hidden_sizes": [24, 48, 96, 192]},
    ("ts16",),
    IMAGE,
    _first,
)
_add(
    "swin2sr",
    "Swin2SRForImageSuperResolution",
    {"image_size": 32, "embed_dim": 24, "depths": [2, 2], "num_heads": [3, 3], "window_size": 8, "upscale": 2},
    ("ts17", "dy18"),
    (normal("pixel_values", 1, 3, 32, 32, scale=0.5),),
    _first,
)
_add(
    "glpn_depth",
    "GLPNForDepthEstimation",
    {"hidden_sizes": [16, 32, 40, 64], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16},
    ("ts17",),
    IMAGE,
    _first,
)
_add(
    "superpoint",
    "SuperPointForKeypointDetection",
    {"encoder_hidden_sizes": [16, 16, 32, 32], "decoder_hidden_size": 32, "descriptor_decoder_dim": 32},
    ("ts16",),
    IMAGE,
    _first,
)
_add("wavlm", "WavLMModel", {**WAVE, "num_buckets": 32}, ("ts17", "dy18"), SOUND, _first)
_add("sew", "SEWModel", {**WAVE, "squeeze_factor": 2}, ("ts17",), SOUND, _first)
_add(
    "wav2vec2_conformer",
    "Wav2Vec2ConformerModel",
    {**WAVE, "conv_depthwise_kernel_size": 15, "position_embeddings_type": "rotary"},
    ("ts17", "dy18"),
    SOUND,
    _first,
)
_add(
    "wav2vec2_bert",
    "Wav2Vec2BertModel",
    {**BERT, "feature_projection_input_dim": 40, "conv_depthwise_kernel_size": 15, "output_hidden_size": 64},
    ("ts17",),
    (normal("input_features", 1, 32, 40),),
    _first,
)
_add(
    "data2vec_audio",
    "Data2VecAudioModel",
    {**WAVE, "num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 9},
    ("ts17",),
    SOUND,
    _first,
)
_add(
    "audio_spectrogram",
    "ASTForAudioClassification",
    {**BERT, "max_length": 64, "num_mel_bins": 32},
    ("ts14", "dy18"),
    (normal("input_values", 1, 64, 32),),
    _first,
)
_add(
    "encodec",
    "EncodecModel",
    {
        "num_filters": 8,
        "hidden_size": 32,
        "codebook_size": 64,
        "codebook_dim": 32,
        "upsampling_ratios": [4, 2],
        "target_bandwidths": [24.0],
        "num_lstm_layers": 1,
    },
    ("ts17", "dy18"),
    (normal("input_values", 1, 1, 800, scale=0.1),),
    lambda m, x: m.decoder(m.encoder(x)),
)
_add(
    "dac",
    "DacModel",
    {
        "encoder_hidden_size": 8,
        "decoder_hidden_size": 32,
        "downsampling_ratios": [2, 4],
        "upsampling_ratios": [4, 2],
        "n_codebooks": 2,
        "codebook_size": 64,
        "codebook_dim": 4,
        "hidden_size": 32,
    },
    ("ts17", "dy18"),
    (normal("input_values", 1, 1, 400, scale=0.1),),
    lambda m, x: m.decoder(m.quantizer(m.encoder(x))[0]),
)
_add(
    "hifigan",
    "SpeechT5HifiGan",
    {"upsample_initial_channel": 32, "model_in_dim": 20},
    ("ts15",),
    (normal("spectrogram", 1, 24, 20),),
    lambda m, x: m(x),
)
_add(
    "patch_tst",
    "PatchTSTForPrediction",
    {
        "num_input_channels": 3,
        "context_length": 64,
        "patch_length": 8,
        "patch_stride": 8,
        "d_model": 32,
        "num_hidden_layers": 2,
        "prediction_length": 12,
        "ffn_dim": 64,
    },
    ("ts17", "dy18"),
    (normal("past", 1, 64, 3),),
    lambda m, x: m(past_values=x).prediction_outputs,
)
_add(
    "ts_mixer",
    "PatchTSMixerForPrediction",
    {
        "num_input_channels": 3,
        "context_length": 64,
        "patch_length": 8,
        "patch_stride": 8,
        "d_model": 16,
        "num_layers": 2,
        "prediction_length": 12,
    },
    ("ts17",),
    (normal("past", 1, 64, 3),),
    lambda m, x: m(past_values=x).prediction_outputs,
)
_add(
    "rwkv",
    "RwkvForCausalLM",
    {"vocab_size": 600, "hidden_size": 64, "num_hidden_layers": 2, "attention_hidden_size": 64, "context_length": 32},
    ("ts17", "dy18"),
    (whole("input_ids", 1, 6, high=600),),
    lambda m, i: m(input_ids=i, use_cache=False).logits,
)
_add(
    "mamba2",
    "Mamba2ForCausalLM",
    {
        "vocab_size": 600,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_heads": 8,
        "head_dim": 16,
        "state_size": 16,
        "chunk_size": 8,
        "n_groups": 1,
    },
    ("ts17", "dy18"),
    (whole("input_ids", 1, 8, high=600),),
    lambda m, i: m(input_ids=i, use_cache=False).logits,
)
_add(
    "esm",
    "EsmModel",
    {
        **BERT,
        "vocab_size": 33,
        "position_embedding_type": "rotary",
        "pad_token_id": 1,
        "mask_token_id": 32,
        "token_dropout": True,
        "emb_layer_norm_before": False,
    },
    ("ts17",),
    (whole("input_ids", 1, 16, low=4, high=24), constant("attention_mask", 1, 16)),
    _hidden,
)
_add(
    "decision",
    "DecisionTransformerModel",
    {"state_dim": 11, "act_dim": 3, "hidden_size": 48, "n_layer": 2, "n_head": 4, "n_inner": 96, "max_ep_len": 100},
    ("ts17",),
    (
        normal("states", 1, 8, 11),
        normal("actions", 1, 8, 3),
        normal("returns", 1, 8, 1),
        whole("steps", 1, 8, high=90),
        constant("mask", 1, 8),
    ),
    lambda m, s, a, r, t, k: (
        m(states=s, actions=a, rewards=None, returns_to_go=r, timesteps=t, attention_mask=k).action_preds
    ),
)
_add(
    "video_mae",
    "VideoMAEModel",
    {**VIT, "image_size": 32, "num_frames": 4},
    ("ts17", "dy18"),
    (normal("pixel_values", 1, 4, 3, 32, 32),),
    lambda m, x: m(x).last_hidden_state,
)
