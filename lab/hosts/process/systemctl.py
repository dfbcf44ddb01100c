#!/usr/bin/python3
"""Stands in for systemctl: the instance's first process carries it out."""

import json
import socket
import sys

if len(sys.argv) < 2:
    sys.exit("the lab's stand-in does not know: systemctl without a word")
with socket.socket(socket.AF_UNIX) as manager:
    manager.connect("/run/lab/systemd.sock")
    manager.sendall(json.dumps(sys.argv[1:]).encode() + b"\n")
    code, text = json.load(manager.makefile())
if text:
    print(text, file=sys.stderr if code else sys.stdout)
sys.exit(code)
