"""Operators with subgraphs as operators: If, Loop and Scan; and sequences, optional values and texts."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed, written

__all__ = ["cases"]

X = "float[3,14] x"
BRANCHES = {
    "plain": ("a = Neg(x)", "b = Exp(x)", "float[3,14]"),
    "same": ("a = Relu(x)", "b = Relu(x)", "float[3,14]"),
    "identity": ("a = Identity(x)", "b = Neg(x)", "float[3,14]"),
    "constants": (
        "a = Constant<value = float[2] {1.0, 2.0}>()",
        "b = Constant<value = float[2] {3.0, 4.0}>()",
        "float[2]",
    ),
    "squeeze": ("a = Relu(x)", "b = Sigmoid(x)", "float[3,14]"),
    "two-nodes": ("d = Neg(x) a = Exp(d)", "e = Exp(x) b = Neg(e)", "float[3,14]"),
}
BODY = (
    "body = g (int64 i, bool go, float[3,14] v) => (bool go_on, float[3,14] v1%s) { go_on = Identity(go) v1 = %s(v)%s }"
)
SCAN = "body = g (float[14] v, float[14] s) => (float[14] v1, float[14] s1) { v1 = Add(v, s) s1 = Identity(v1) }"


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _if()
    yield from _loop()
    yield from _scan()
    yield from _sequences()
    yield from _optionals()
    yield from _texts()


def _if() -> Iterator[Case]:
    conditions = {
        "computed": ("bool[1] c", "", "", "c"),
        "scalar": ("bool c", "", "", "c"),
        "true": ("", "bool t = {1}", "", "t"),
        "false-element": ("", "bool[1] t = {0}", "", "t"),
        "greater": ("", "float z = {0.1}", "m = ReduceMean<keepdims = 0>(x) c = Greater(m, z)", "c"),
        "node": ("", "", "t = Constant<value = bool {1}>()", "t"),
        "folded": ("", "bool u = {0}", "t = Not(u)", "t"),
        "shape": ("", "int64[1] z = {0}, int64 n = {3}", "s = Shape(x) m = Gather(s, z) c = Equal(m, n)", "c"),
    }
    for name, (then, other, kind) in BRANCHES.items():
        node = (
            f"[probe] probe_y = If<then_branch = g1 () => ({kind} a) {{ {then} }},"
            f" else_branch = g2 () => ({kind} b) {{ {other} }}>"
        )
        for slug, (inputs, constants, before, condition) in conditions.items():
            if name not in ("plain", "same") and slug in ("false-element", "scalar"):
                continue
            yield written(
                "If",
                f"{name},{slug}",
                inputs=f"{X}, {inputs}" if inputs else X,
                constants=constants,
                nodes=f"{before} {node}({condition})",
                outputs="probe_y",
                opset=13,
            )
    node = (
        "[probe] probe_y = If<then_branch = g1 () => (float[3,14] a) { a = Neg(x) },"
        " else_branch = g2 () => (float[3,14] b) { b = Exp(x) }>(c)"
    )
    for opset in (7, 11, 16, 19):
        yield written("If", f"opset{opset}", inputs=f"{X}, bool[1] c", nodes=node, outputs="probe_y", opset=opset)


def _loop() -> Iterator[Case]:
    for slug, inputs, constants, given in (
        ("computed", f"{X}, int64[1] n, bool[1] c", "", "n, c, x"),
        ("const", X, "int64 n = {3}, bool c = {1}", "n, c, x"),
        ("no-condition", X, "int64 n = {3}", "n, , x"),
        ("computed-condition", f"{X}, bool[1] c", "int64 n = {5}", "n, c, x"),
        ("no-count", f"{X}, bool[1] c", "", ", c, x"),
    ):
        for op in ("Neg", "Relu"):
            node = f"[probe] probe_y = Loop<{BODY % ('', op, '')}>({given})"
            yield written(
                "Loop", f"{slug},{op}", inputs=inputs, constants=constants, nodes=node, outputs="float[3,14] probe_y"
            )
        body = BODY % (", float[3,14] scanned", "Neg", " scanned = Exp(v)")
        node = f"[probe] probe_y, probe_s = Loop<{body}>({given})"
        yield written(
            "Loop",
            f"{slug},scanning",
            inputs=inputs,
            constants=constants,
            nodes=node,
            outputs="float[3,14] probe_y, float[n,3,14] probe_s",
        )
    node = f"[probe] probe_y = Loop<{BODY % ('', 'Neg', '')}>(n, c, x)"
    for opset in (11, 13, 16, 19):
        yield written(
            "Loop",
            f"const,opset{opset}",
            inputs=X,
            constants="int64 n = {3}, bool c = {1}",
            nodes=node,
            outputs="float[3,14] probe_y",
            opset=opset,
        )


def _scan() -> Iterator[Case]:
    for opset in (9, 11, 16, 19):
        node = f"[probe] probe_y, probe_s = Scan<num_scan_inputs = 1, {SCAN}>(v0, x)"
        yield written(
            "Scan",
            f"sum,opset{opset}",
            inputs=f"float[14] v0, {X}",
            nodes=node,
            outputs="probe_y, probe_s",
            opset=opset,
        )
    for slug, attributes in (
        ("backwards", "scan_input_directions = [1], scan_output_directions = [1]"),
        ("axes", "scan_input_axes = [0], scan_output_axes = [0]"),
    ):
        node = f"[probe] probe_y, probe_s = Scan<num_scan_inputs = 1, {attributes}, {SCAN}>(v0, x)"
        yield written("Scan", slug, inputs=f"float[14] v0, {X}", nodes=node, outputs="probe_y, probe_s")
    node = (
        f"b0 = Relu(v0) b1 = Sigmoid(x) [probe] probe_y, probe_s = Scan<num_scan_inputs = 1, {SCAN}>(b0, b1)"
        " after0 = Sigmoid(probe_y) after1 = Sigmoid(probe_s)"
    )
    yield written("Scan", "sum", inputs=f"float[14] v0, {X}", nodes=node, outputs="after0, after1", position="between")
    body = "body = g (float[14] s) => (float[14] s1) { s1 = Exp(s) }"
    node = f"[probe] probe_y = Scan<num_scan_inputs = 1, {body}>(x)"
    yield written("Scan", "stateless", inputs=X, nodes=node, outputs="probe_y")
    old = "body = g (float[14] v, float[14] s) => (float[14] v1, float[14] s1) { v1 = Add(v, s) s1 = Identity(v1) }"
    for batch in (1, 2):
        node = f"[probe] probe_y, probe_s = Scan<num_scan_inputs = 1, {old}>(, v0, x)"
        inputs = f"float[{batch},14] v0, float[{batch},3,14] x"
        yield written("Scan", f"opset8,batch{batch}", inputs=inputs, nodes=node, outputs="probe_y, probe_s", opset=8)


def _sequences() -> Iterator[Case]:
    two = "float[3,14] x, float[3,14] z"
    make = "s = SequenceConstruct(x, z)"
    zero = "int64 i = {0}"
    for op, inputs, constants, nodes in (
        ("SequenceConstruct", two, "", "[probe] s = SequenceConstruct(x, z) probe_y = ConcatFromSequence<axis = 1>(s)"),
        ("ConcatFromSequence", two, "", f"{make} [probe] probe_y = ConcatFromSequence<axis = 1>(s)"),
        ("SequenceAt", two, zero, f"{make} [probe] probe_y = SequenceAt(s, i)"),
        ("SequenceLength", two, "", f"{make} [probe] probe_y = SequenceLength(s)"),
        ("SequenceErase", two, zero, f"{make} [probe] e = SequenceErase(s, i) probe_y = SequenceAt(e, i)"),
        ("SequenceInsert", two, zero, f"{make} [probe] e = SequenceInsert(s, x) probe_y = SequenceAt(e, i)"),
        ("SequenceEmpty", X, zero, "[probe] s = SequenceEmpty() e = SequenceInsert(s, x) probe_y = SequenceAt(e, i)"),
        ("SplitToSequence", X, zero, "[probe] s = SplitToSequence<axis = 1>(x) probe_y = SequenceAt(s, i)"),
    ):
        yield written(op, "inside-a-model", inputs=inputs, constants=constants, nodes=nodes, outputs="probe_y")
    given = "seq(float[3,14]) s"
    for op, inputs, constants, nodes in (
        ("SequenceAt", given, zero, "[probe] probe_y = SequenceAt(s, i)"),
        ("SequenceAt", f"{given}, int64[1] i", "", "[probe] probe_y = SequenceAt(s, i)"),
        ("SequenceLength", given, "", "[probe] probe_y = SequenceLength(s)"),
        ("ConcatFromSequence", given, "", "[probe] probe_y = ConcatFromSequence<axis = 0>(s)"),
        ("ConcatFromSequence", given, "", "[probe] probe_y = ConcatFromSequence<axis = 0, new_axis = 1>(s)"),
        ("SequenceInsert", f"{given}, {X}", "", "[probe] probe_y = SequenceInsert(s, x)"),
        ("SequenceErase", given, zero, "[probe] probe_y = SequenceErase(s, i)"),
        ("Identity", given, "", "[probe] probe_y = Identity(s)"),
    ):
        slug = (
            "given-sequence"
            + ("" if "int64[1]" not in inputs else ",computed")
            + (",new-axis" if "new_axis" in nodes else "")
        )
        yield written(op, slug, inputs=inputs, constants=constants, nodes=nodes, outputs="probe_y")
    for slug, constants, inputs, tail in (
        ("plain", "", X, "<axis = 1>(x)"),
        ("no-keepdims", "", X, "<axis = 1, keepdims = 0>(x)"),
        ("const-sizes", "int64[2] n = {6, 8}", X, "<axis = 1>(x, n)"),
        ("const-size", "int64 n = {7}", X, "<axis = 1>(x, n)"),
        ("computed-sizes", "", f"{X}, int64[2] n", "<axis = 1>(x, n)"),
    ):
        yield written(
            "SplitToSequence",
            slug,
            inputs=inputs,
            constants=constants,
            nodes=f"[probe] probe_y = SplitToSequence{tail}",
            outputs="probe_y",
        )
    body = "body = g (float[3,14] v) => (float[3,14] v1) { v1 = Neg(v) }"
    yield written(
        "SequenceMap",
        "given-sequence",
        inputs=given,
        nodes=f"[probe] probe_y = SequenceMap<{body}>(s)",
        outputs="probe_y",
    )


def _optionals() -> Iterator[Case]:
    for dtype in ("float", "int64", "bool"):
        yield case("OptionalGetElement", f"{dtype},tensor", [computed(5, 8, dtype=dtype)], opset=18)
        yield case("OptionalHasElement", f"{dtype},tensor", [computed(5, 8, dtype=dtype)], opset=18)
    yield case("OptionalGetElement", "float,r4", [computed(1, 5, 8, 10)], opset=18, position="between")
    for op in ("OptionalGetElement", "OptionalHasElement"):
        for kind in ("float[3,14]", "seq(float[3,14])"):
            slug = "given-sequence" if kind.startswith("seq") else "given-optional"
            yield written(
                op, slug, inputs=f"optional({kind}) o", nodes=f"[probe] probe_y = {op}(o)", outputs="probe_y", opset=18
            )
    nodes = "[probe] o = Optional(x) probe_y = OptionalGetElement(o)"
    yield written("Optional", "inside-a-model", inputs=X, nodes=nodes, outputs="probe_y", opset=18)
    yield written(
        "OptionalHasElement",
        "nothing",
        inputs=X,
        nodes="[probe] probe_y = OptionalHasElement() probe_z = Neg(x)",
        outputs="probe_y, probe_z",
        opset=18,
    )


def _texts() -> Iterator[Case]:
    for slug, shape, attributes in (
        ("lower", "5", 'case_change_action = "LOWER"'),
        ("upper,r2", "1,7", 'case_change_action = "UPPER"'),
        ("stopwords", "5", 'stopwords = ["a", "the"]'),
        ("plain", "6", "is_case_sensitive = 1"),
    ):
        node = f"[probe] probe_y = StringNormalizer<{attributes}>(t)"
        yield written("StringNormalizer", slug, inputs=f"string[{shape}] t", nodes=node, outputs="probe_y", opset=10)
    for op in ("Identity", "Reshape", "Gather", "Concat"):
        more = {"Reshape": ", s", "Gather": ", i"}.get(op, "")
        constants = {"Reshape": "int64[2] s = {2, 3}", "Gather": "int64[2] i = {0, 4}"}.get(op, "")
        attributes = "<axis = 0>" if op == "Concat" else ""
        given = "t, t" if op == "Concat" else f"t{more}"
        yield written(
            op,
            "string",
            inputs="string[6] t",
            constants=constants,
            nodes=f"[probe] probe_y = {op}{attributes}({given})",
            outputs="probe_y",
        )
    pool = (
        'mode = "%s", min_gram_length = %d, max_gram_length = 2, max_skip_count = %d, ngram_counts = [0, 3],'
        " ngram_indexes = [0, 1, 2, 3, 4, 5], pool_int64s = [3, 4, 6, 5, 6, 6, 8, 9, 7]"
    )
    for mode in ("TF", "IDF", "TFIDF"):
        for shortest, skip in ((1, 0), (2, 3)):
            for dtype in ("int32", "int64"):
                attributes = pool % (mode, shortest, skip)
                if mode != "TF":
                    attributes += ", weights = [0.5, 1.0, 1.5, 1.0, 0.5, 2.0]"
                for x in (computed(10, dtype=dtype), computed(3, 8, dtype=dtype)):
                    slug = f"{dtype},r{len(x.shape)},{mode},{shortest},skip{skip}"
                    yield case("TfIdfVectorizer", slug, [x], attributes, opset=9)
