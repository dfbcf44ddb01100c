"""Delays packets: what the kernel sends to a tun device comes back from that device after a while.

usage: delay.py MILLISECONDS DEVICE...     prints "ready" once the devices are there; they go with it
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# As many packets are read before those that are due get their turn.
BURST = 64


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def read_burst(fd, waiting, delay):
    for _ in range(BURST):
        try:
            packet = os.read(fd, 65536)
        except BlockingIOError:
            return
        waiting.append((time.monotonic() + delay, packet))


def write_due(fd, waiting):
    while waiting and waiting[0][0] <= time.monotonic():
        try:
            os.write(fd, waiting.popleft()[1])
        except OSError:
            pass  # the device is down, or the packet is none: lost, as on a bad line


def main():
    delay = float(sys.argv[1]) / 1000
    queues = {open_tun(name): collections.deque() for name in sys.argv[2:]}
    print("ready", flush=True)
    while True:
        due = [waiting[0][0] for waiting in queues.values() if waiting]
        timeout = max(0, min(due) - time.monotonic()) if due else None
        for fd in select.select(list(queues), [], [], timeout)[0]:
            read_burst(fd, queues[fd], delay)
        for fd, waiting in queues.items():
            write_due(fd, waiting)


main()
