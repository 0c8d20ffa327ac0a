"""A stand-in for `rknnlite.api` of 2.3.2 as far as it is used: it does with each case what it is told.

The environment variable RKGRAPH_TEST_BOARD is a JSON object: id of a case → "right" (the default), "simulated",
"wrong", "nan", "spoilt", "fewer", "crash", "hang", "raise", or "load", "init" or "inference" for an error code there.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

# What librknnrt printed on a board for an operator without a kernel (issue immich-app/immich#17098).
UNSUPPORTED = "\x1b[31mE RKNN: Unsupport CPU op: {op} in this librknnrt.so, please try to register custom op\x1b[0m"


class RKNNLite:
    def __init__(self, verbose=False, verbose_file=None):
        self.case = None

    def load_rknn(self, path):
        folder = Path(path).parent
        manifest = json.loads((folder.parent.parent / "manifest.json").read_text())
        cases = [manifest["control"], *manifest["cases"]]
        self.case = next(c for c in cases if Path(c["files"]["model.rknn"]).parent.name == folder.name)
        self.folder = folder
        self.told = json.loads(os.environ.get("RKGRAPH_TEST_BOARD", "{}")).get(self.case["id"], "right")
        with Path(os.environ["RKGRAPH_TEST_BOARD_CALLS"]).open("a") as calls:
            calls.write(self.case["id"] + "\n")
        return -1 if self.told == "load" else 0

    def init_runtime(self, target=None, device_id=None, async_mode=False, core_mask=0):
        if self.told in ("init", "crash"):
            sys.stderr.write(UNSUPPORTED.format(op=self.case["op"]) + "\n")
            sys.stderr.flush()
        if self.told == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        return -3 if self.told == "init" else 0

    def get_sdk_version(self):
        return "API: 2.3.2 (stand-in)\nDRV: 0.9.8"

    def inference(self, inputs, data_type=None, data_format=None, inputs_pass_through=None):
        assert data_format == (["nchw"] * len(inputs) if any(i.ndim == 4 for i in inputs) else None)
        if self.told == "hang":
            time.sleep(3600)
        if self.told == "raise":
            raise ValueError("The input(ndim=9) is wrong")
        if self.told == "inference":
            return None
        source = "simulated.npz" if self.told == "simulated" else "expected.npz"
        with np.load(self.folder / source) as arrays:
            outputs = [arrays[name] for name in self.case["outputs"]]
        if self.told == "wrong":
            outputs[0] = np.roll(outputs[0].ravel(), 1).reshape(outputs[0].shape)
        if self.told == "nan":
            outputs[0] = np.full_like(outputs[0], np.nan)
        if self.told == "spoilt":
            outputs = [np.zeros_like(output) for output in outputs]
        return outputs[:-1] if self.told == "fewer" else outputs

    def release(self):
        pass
