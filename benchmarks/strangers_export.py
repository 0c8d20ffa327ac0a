"""Export architectures that no rule was written for, with random weights, for `fix_public.py`.

    python benchmarks/strangers_export.py FOLDER [--only NAME ...] [--list]

Writes FOLDER/models/NAME__VARIANT.onnx and their list FOLDER/exported.jsonl (what `fix_public.py --models` reads). Runs
in an environment of its own; `strangers.md` names the packages. Weights are seeded by the architecture's name. What
does not export is told and left out. What is there already is kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
import warnings
import zlib
from pathlib import Path

os.environ.update(TRANSFORMERS_OFFLINE="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings("ignore")

import torch  # noqa: E402  # after the environment is set
from strangers_models.registry import ARCHITECTURES, Architecture, Built, tensor  # noqa: E402

MODULES = ("speech", "sequences", "heads", "pictures", "language")
SAID = 200  # characters of an exporter's complaint


def main() -> None:
    """Export what is missing, one architecture after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the models go")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these architectures")
    parser.add_argument("--list", action="store_true", help="print their names")
    args = parser.parse_args()
    for module in MODULES:
        importlib.import_module(f"strangers_models.{module}")
    if args.list:
        print("\n".join(f"{each.name}: {', '.join(each.variants)}" for each in ARCHITECTURES.values()))
        return
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    (args.folder / "models").mkdir(parents=True, exist_ok=True)
    for each in ARCHITECTURES.values():
        if not args.only or each.name in args.only:
            export_all(each, args.folder)


def export_all(architecture: Architecture, folder: Path) -> None:
    """Export the variants of one architecture that are missing, and add them to the list."""
    for variant in architecture.variants:
        name = f"{architecture.name}__{variant}"
        path = folder / "models" / f"{name}.onnx"
        if path.exists():
            continue
        torch.manual_seed(zlib.crc32(architecture.name.encode()))
        try:
            built = architecture.build()
            export(built, variant, path)
        except Exception as error:  # noqa: BLE001  # exporters raise what they like
            path.unlink(missing_ok=True)
            print(f"{name}: not exported: {type(error).__name__}: {' '.join(str(error).split())[:SAID]}", flush=True)
            continue
        specs = [{key: value for key, value in spec.items() if key != "free"} for spec in built.inputs]
        row = {"name": name, "file": path.name, "sample_inputs": specs}
        with (folder / "exported.jsonl").open("a", encoding="utf-8") as listed:
            listed.write(json.dumps(row) + "\n")
        print(f"{name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


def export(built: Built, variant: str, path: Path) -> None:
    """Write the module by the exporter, at the opset and with the axes that `variant` names."""
    module = built.module.eval().requires_grad_(False)
    arrays = tuple(tensor(spec) for spec in built.inputs)
    names = [spec["name"] for spec in built.inputs]
    opset, dynamic = int(variant[2:4]), variant.endswith("d")
    with torch.no_grad():
        module(*arrays)
        if variant.startswith("ts"):
            axes = {spec["name"]: {axis: f"{spec['name']}_{axis}" for axis in spec["free"]} for spec in built.inputs}
            torch.onnx.export(
                module,
                arrays,
                path,
                dynamo=False,
                opset_version=opset,
                input_names=names,
                output_names=list(built.outputs),
                dynamic_axes=axes if dynamic else None,
            )
            return
        free = tuple(dict.fromkeys(spec["free"], torch.export.Dim.DYNAMIC) for spec in built.inputs)
        torch.onnx.export(
            module,
            arrays,
            path,
            dynamo=True,
            opset_version=opset,
            input_names=names,
            output_names=list(built.outputs),
            dynamic_shapes=free if dynamic else None,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    main()
