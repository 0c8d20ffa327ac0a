"""All rules, by an explicit list: importing a rule module has no effect, and nothing is found by scanning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import Card, CardError, read_card

if TYPE_CHECKING:
    from rkgraph.graph.cut import Cut
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["MODULES", "Rule", "card_path", "in_order", "load_rules"]

MODULES = (
    # One line a rule, sorted by code: the stem of rkgraph/rules/STEM.py, rules/STEM.md and tests/rules/test_STEM.py.
    "rk101_no_board_kernel_operator",
    "rk102_build_failing_operator",
    "rk103_unknown_operator",
    "rk104_cpu_fallback_operator",
    "rk105_computed_input",
    "rk106_operator_dtype",
    "rk107_operator_rank",
    "rk108_operator_size",
    "rk109_no_host_kernel",
    "rk110_opset_above_toolkit",
    "rk111_operator_newer_than_opset",
    "rk112_missing_default_attribute",
    "rk113_operator_attribute",
    "rk114_operator_form",
    "rk115_omitted_output",
    "rk116_plain_constant",
    "rk117_local_function",
    "rk118_captured_value",
    "rk119_unreadable_header",
    "rk120_variadic_operator",
    "rk121_composed_activation",
    "rk122_ceil_operator",
    "rk123_sign_operator",
    "rk124_hyperbolic_function",
    "rk125_inverse_function",
    "rk126_number_test",
    "rk127_feature_operator",
    "rk128_computed_clip_bound",
    "rk129_power_form",
    "rk130_wrong_numbers",
    "rk140_classification_loss",
    "rk141_reduction_without_kernel",
    "rk142_squeezed_spatial_mean",
    "rk143_pooling_without_kernel",
    "rk144_normalization_form",
    "rk145_dropout_mask",
    "rk147_computed_gemm_bias",
    "rk148_convolution_form",
    "rk149_reshaped_mean_output",
    "rk150_small_determinant",
    "rk151_softmax_form",
    "rk152_spatial_maximum",
    "rk153_newer_operator_form",
    "rk154_scaled_logarithm",
    "rk160_cumulative_sum",
    "rk161_einstein_summation",
    "rk162_triangle_selection",
    "rk163_constant_selection",
    "rk164_indexed_update",
    "rk165_resize_by_matrices",
    "rk166_sampling_grid",
    "rk167_deformable_convolution",
    "rk168_columns_to_image",
    "rk169_affine_grid",
    "rk170_movement_form",
    "rk171_padding_in_pieces",
    "rk172_blocks_to_channels",
    "rk173_roi_maximum",
    "rk179_counted_ngrams",
    "rk180_recurrent_layer_form",
    "rk181_recurrent_layer_in_steps",
    "rk182_dynamically_quantized_product",
    "rk183_dynamically_quantized_lstm",
    "rk184_moved_quantized_constant",
    "rk185_computed_quantization",
    "rk186_integer_product",
    "rk187_quantization_round_trip",
    "rk188_dynamic_quantization",
    "rk189_fourier_transform",
    "rk190_short_time_fourier_transform",
    "rk191_fused_activation",
    "rk192_fused_normalization",
    "rk193_fused_attention",
    "rk194_fused_product",
    "rk195_quantized_operator",
    "rk196_dynamic_product",
    "rk197_long_kernel_convolution",
    "rk198_random_operator",
    "rk199_quantized_attention",
    "rk200_packed_table",
    "rk201_distance_matrix",
    "rk202_integer_mask_arithmetic",
    "rk203_mask_fill_beyond_fp16",
    "rk204_integer_cumulative_sum",
    "rk205_unsupported_input_dtype",
    "rk206_narrow_whole_numbers",
    "rk207_logic_without_kernel",
    "rk208_whole_number_operator",
    "rk209_cast_through_narrow",
    "rk210_cast_like",
    "rk211_shape_only_operator",
    "rk212_narrow_interface",
    "rk213_parallel_gather",
    "rk214_where_of_many_dimensions",
    "rk215_place_of_the_largest",
    "rk216_place_of_the_one",
    "rk230_exponential_formula",
    "rk231_vanishing_epsilon",
    "rk232_composed_unit_vectors",
    "rk233_number_added_to_length",
    "rk234_log_of_probability",
    "rk235_log_of_exponentials",
    "rk240_fp16_overflow",
    "rk241_fp16_underflow",
    "rk242_fp16_inaccuracy",
    "rk301_dynamic_input_shape",
    "rk302_data_dependent_shape",
    "rk303_foldable_shape_arithmetic",
    "rk304_only_constant_outputs",
    "rk305_degenerate_input_shape",
    "rk306_input_of_dead_nodes",
    "rk307_eight_bit_image_input",
    "rk310_constant_branch",
    "rk311_computed_branch",
    "rk312_counted_loop",
    "rk313_failing_scan",
    "rk314_known_sequence",
    "rk315_known_sequence_map",
    "rk316_known_optional",
    "rk317_no_input",
    "rk318_constant_output",
    "rk319_dead_node",
    "rk320_setting_as_input",
    "rk321_structured_interface",
    "rk330_unaligned_output",
    "rk332_long_interface_name",
    "rk401_no_op_node",
    "rk402_training_mode_operator",
    "rk410_transpose_of_high_rank",
    "rk411_expected_bin",
    "rk412_flat_maximum",
    "rk413_padding_of_few_channels",
    "rk414_strided_rows",
    "rk415_needless_transpose",
    "rk416_steps_apart",
    "rk417_padding_in_convolution",
    "rk418_averaged_rim",
    "rk419_frames_by_index",
    "rk420_selection_of_everything",
    "rk430_avoidable_cpu_transpose",
    "rk431_convolution_of_height_one",
    "rk432_broadcast_add_before_relu",
    "rk433_output_twice",
    "rk502_late_score_scale",
    "rk503_uncanonical_gelu",
    "rk504_masked_scores_where",
    "rk505_mask_added_in_parts",
    "rk506_softmax_nan_guard",
    "rk507_uncanonical_rms_norm",
    "rk511_late_float_cast",
    "rk512_whole_number_mask_input",
    "rk513_two_row_lookup",
    "rk514_narrow_projections",
    "rk515_joint_projections",
    "rk516_joint_gate",
    "rk517_patch_convolution",
    "rk520_mean_over_plane",
    "rk521_copied_constant_name",
    "rk522_fill_without_value",
    "rk523_input_handed_out",
    "rk524_operand_twice",
    "rk525_angles_of_positions",
    "rk526_single_number_choice",
    "rk528_sum_behind_norm",
    "rk529_norm_without_bias",
    "rk530_nearly_fused_attention",
    "rk531_grouped_query_attention",
    "rk532_uncanonical_layer_norm",
    "rk533_masked_softmax",
    "rk534_mask_before_scores",
    "rk535_composed_softmax",
    "rk550_nearly_fused_layer_norm",
    "rk551_nearly_fused_gelu",
    "rk552_value_inside_fused_norm",
    "rk601_host_only_nodes",
    "rk602_large_output_projection",
    "rk603_large_lookup_table",
    "rk604_joined_boxes_and_scores",
    "rk605_rank_four_cache",
    "rk610_many_inputs_and_outputs",
    "rk611_many_layers",
    "rk612_too_small_for_the_npu",
    "rk613_beyond_npu_memory",
    "rk614_no_processor_to_fall_back_on",
    "rk701_quantized_mask_fill",
    "rk702_wide_and_narrow_joined",
    "rk703_outlier_channels",
    "rk704_wide_and_narrow_branches",
    "rk720_image_without_normalization",
)


@dataclass(frozen=True)
class Rule:
    """A rule: its card, what it finds, and how it mends a finding where it can."""

    card: Card
    check: Callable[[LintContext], Iterator[Finding]]
    fix: Callable[[LintContext, Finding], Edit | Cut | Refusal] | None = None

    @property
    def code(self) -> str:
        """E.g. "RK301"."""
        return self.card.code

    @property
    def name(self) -> str:
        """E.g. "dynamic-input-shape"."""
        return self.card.name

    def applies_to(self, ops: Collection[str], given: Collection[str]) -> bool:
        """Whether a model that has these operators may have what the rule finds; `given`: what of NEEDS is there."""
        named = self.card.applies_to
        return (named[0] in ("*", "model") or any(op in ops for op in named)) and all(
            n in given for n in self.card.needs
        )


def load_rules(modules: Sequence[str] = MODULES) -> tuple[Rule, ...]:
    """The rules of `modules`, in the order in which they run.

    Raises:
        CardError: a card is broken, two rules share a code or a name, or the declared order names an unknown rule or
            goes round in a circle.
    """
    return in_order(_load(stem) for stem in modules)


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The same rules sorted by code, but each after all that its card's `after` names. Raises CardError as above."""
    waiting = sorted(rules, key=lambda rule: rule.code)
    _refuse_doubles(waiting)
    known = {rule.code for rule in waiting}
    for rule in waiting:
        strangers = sorted(set(rule.card.after) - known)
        if strangers:
            raise CardError(f"{rule.card.stem}.md: after names {strangers}, which do not exist")
    ordered: list[Rule] = []
    done: set[str] = set()
    while waiting:
        ready = next((rule for rule in waiting if done.issuperset(rule.card.after)), None)
        if ready is None:
            raise CardError(
                f"the rules {[rule.code for rule in waiting]} wait for each other: see `after` in their cards"
            )
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.code)
    return tuple(ordered)


def card_path(rule: str) -> Path:
    """Where the card of a rule lies; the rule is given by code, name or stem, in any case of letters.

    Raises:
        UsageError: there is no such rule; the hint names the nearest ones.
    """
    wanted = rule.lower().replace("-", "_")
    for stem in MODULES:
        code, _, name = stem.partition("_")
        if wanted in (code, name, stem):
            return _folder() / f"{stem}.md"
    raise UsageError(f"there is no rule {rule!r}", _nearest(wanted))


@cache
def _folder() -> Path:
    return data_folder("rules")


def _nearest(wanted: str) -> str:
    from difflib import get_close_matches

    names = {spelling: stem for stem in MODULES for spelling in (stem.partition("_")[0], stem.partition("_")[2])}
    meant = wanted.translate(str.maketrans("oil", "011"))  # letters that are read for digits
    matches = [meant] if meant in names else get_close_matches(wanted, names, n=3)
    near = dict.fromkeys(names[match] for match in matches)
    words = [f"{code.upper()} {name.replace('_', '-')}" for code, _, name in (stem.partition("_") for stem in near)]
    return f"did you mean {' or '.join(words)}?" if words else "`rkgraph rules` lists all rules"


@cache
def _load(stem: str) -> Rule:
    """The rule of a stem; its module is imported when it is first asked, which most models never do of most rules."""
    card = read_card(_folder() / f"{stem}.md")

    def check(lint: LintContext) -> Iterator[Finding]:
        yield from _module(stem).check(_with_settings(lint, card))

    def fix(lint: LintContext, finding: Finding) -> Edit | Cut | Refusal:
        edit: Edit | Cut | Refusal = _module(stem).fix(_with_settings(lint, card), finding)
        return edit

    return Rule(card, check, fix if card.fix is not None else None)


def _with_settings(lint: LintContext, card: Card) -> LintContext:
    """What a rule looks at, with the values of the options that its card declares."""
    if not card.options:
        return lint
    given = lint.options.rules.get(card.code, {})
    return replace(lint, settings={option.name: given.get(option.name, option.default) for option in card.options})


def _module(stem: str) -> ModuleType:
    return import_module(f"rkgraph.rules.{stem}")


def _refuse_doubles(rules: Sequence[Rule]) -> None:
    for attribute in ("code", "name"):
        seen: set[str] = set()
        for rule in rules:
            value = getattr(rule, attribute)
            if value in seen:
                raise CardError(f"two rules have the {attribute} {value}")
            seen.add(value)
