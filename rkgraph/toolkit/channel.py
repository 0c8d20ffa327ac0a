"""JSON lines over a socket, with deadlines, towards a peer that is not trusted to keep to them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["Channel", "ChannelClosed", "Garbage", "Timeout"]

_LONGEST_LINE = 1 << 20
"""Bytes; the longest real message is an error text of a few kB."""


class ChannelClosed(Exception):
    """The peer has closed its end, perhaps in the middle of a line."""


class Timeout(Exception):
    """No whole line before the deadline."""


class Garbage(Exception):
    """A line that is not a JSON object, or that never ends; the text is the line's beginning."""


class Channel:
    """Our end of a socket pair."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """Our end, and the other end to be inherited by a child."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a peer that is gone is found out when receiving."""
        self._socket.settimeout(None)
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self, deadline: float) -> Mapping[str, Any]:
        """The next message. Raises ChannelClosed, Timeout (at `deadline`, time.monotonic()) or Garbage."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                raise Garbage(_text(self._buffer))
            self._buffer += self._read(deadline)
        line, self._buffer = self._buffer.split(b"\n", 1)
        try:
            message = json.loads(line)
        except ValueError as error:
            raise Garbage(_text(line)) from error
        if not isinstance(message, dict):
            raise Garbage(_text(line))
        return message

    def close(self) -> None:
        """Close our end: the worker takes it as the order to end."""
        self._socket.close()

    def _read(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Timeout
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65536)
        except TimeoutError as error:
            raise Timeout from error
        except ConnectionResetError as error:
            raise ChannelClosed from error
        if not data:
            raise ChannelClosed
        return data


def _text(line: bytes) -> str:
    return line[:200].decode(errors="replace")
