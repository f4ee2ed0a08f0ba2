"""A network that is slow and loses packets, for kernels that cannot make one (`tc netem`): a hub that passes frames on late, or not at all.

The interfaces must hand over frames as they are on a wire: no larger than the MTU, with their checksums. `ethtool` sees to it.
"""

import collections
import contextlib
import random
import selectors
import socket
import threading
import time

# Every protocol, in the order of the network.
ALL = socket.htons(3)

# Frames that this host sends itself come back on a packet socket.
OUTGOING = 4


class SlowHub:
    """Passes what comes in at one interface on to all others, each frame after `delay` seconds, give or take `jitter`, `loss` of them never."""

    def __init__(self, interfaces, delay, jitter, loss, seed=0):
        self.delay, self.jitter, self.loss = delay, jitter, loss
        self.draw = random.Random(seed)
        self.waiting = collections.deque()
        self.passed = self.lost = 0
        self.ended = threading.Event()
        self.sockets = []
        self.cut = None
        for interface in interfaces:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ALL)
            opened.bind((interface, 0))
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
            self.sockets.append(opened)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for opened in self.sockets:
            opened.close()

    def cut_off(self, interface):
        """Loses all that comes from an interface or goes there."""
        self.cut = interface

    def run(self):
        with selectors.DefaultSelector() as selector:
            for opened in self.sockets:
                selector.register(opened, selectors.EVENT_READ)
            while not self.ended.is_set():
                wait = 0.05 if not self.waiting else max(0.0, min(0.05, self.waiting[0][0] - time.monotonic()))
                for key, _ in selector.select(wait):
                    self.take(key.fileobj)
                self.pass_on()

    def take(self, opened):
        # An interface that is down has an error and no frame.
        with contextlib.suppress(OSError):
            for _ in range(64):
                frame, about = opened.recvfrom(1 << 16)
                if about[2] == OUTGOING or about[0] == self.cut:
                    continue
                if self.draw.random() < self.loss:
                    self.lost += 1
                    continue
                due = time.monotonic() + self.delay + self.draw.uniform(-self.jitter, self.jitter)
                # In their order, as on one line.
                self.waiting.append((max(due, self.waiting[-1][0] if self.waiting else 0.0), opened, frame))

    def pass_on(self):
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            _, source, frame = self.waiting.popleft()
            self.passed += 1
            for opened in self.sockets:
                if opened is not source and opened.getsockname()[0] != self.cut:
                    with contextlib.suppress(OSError):
                        opened.send(frame)
