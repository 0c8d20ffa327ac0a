"""A toolkit that does what the model file says: a JSON object, stage → list of actions. See `ACTIONS`."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIBC = ctypes.CDLL(None)


def eat(megabytes):
    block = bytearray(int(megabytes) << 20)
    for index in range(0, len(block), 4096):
        block[index] = 1
    time.sleep(60)


def spawn(pid_file):
    child = subprocess.Popen(["sleep", "600"])
    Path(pid_file).write_text(str(child.pid))


def litter(name):
    Path(name).write_text("left in the current directory")
    Path(tempfile.mkdtemp(), name).write_text("left in TMPDIR")
    Path(os.environ["TMPDIR"], "check.onnx").write_text("left by C code")


def fail(text):
    raise ValueError(text)


def fail_nested(text):
    raise ValueError(f'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: {text}\n')


def kill_first(text):
    """Die of a signal as often as COUNT says; FILE counts."""
    name, count, file = text.split(" ", 2)
    with Path(file).open("a+") as times:
        times.write(".")
        died = times.tell()
    if died <= int(count):
        os.kill(os.getpid(), signal.Signals[name])


def leave(code):
    sys.exit(int(code))


ACTIONS = {
    "print": print,
    "print-error": lambda text: sys.stderr.write(text + "\n"),
    "print-c": lambda text: LIBC.printf(b"%s\n", text.encode()),
    "fail": fail,
    "fail-nested": fail_nested,
    "kill": lambda name: os.kill(os.getpid(), signal.Signals[name]),
    "kill-first": kill_first,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "eat": eat,
    "spawn": spawn,
    "litter": litter,
    "sys-exit": leave,
    "exit": lambda code: os._exit(int(code)),
}


class RKNN:
    def __init__(self, verbose=False):
        self.script = {}

    def act(self, stage):
        code = 0
        for action in self.script.get(stage, ()):
            verb, _, value = action.partition(" ")
            if verb == "return":
                code = int(value)
            else:
                ACTIONS[verb](value)
        return code

    def config(self, target_platform, **options):
        sys.stdout.write(f"config {target_platform} {json.dumps(options, sort_keys=True)}\n")
        return 0

    def load_onnx(self, model):
        self.script = json.loads(Path(model).read_text())
        return self.act("load")

    def build(self, **options):
        sys.stdout.write(f"build {json.dumps(options, sort_keys=True)}\n")
        return self.act("build")

    def export_rknn(self, path):
        Path(path).write_text("RKNN half")
        code = self.act("export")
        Path(path).write_text("RKNN whole")
        return code

    def init_runtime(self):
        return self.act("runtime")

    def inference(self, inputs, data_format):
        self.act("inference")
        return [inputs[0] * 2] if data_format == ["nchw"] * len(inputs) else None
