#!/usr/bin/python3
"""Stands in for journalctl: prints what units have printed. Options as far as anybody uses them here."""

import argparse

parser = argparse.ArgumentParser(prog="journalctl (the lab's stand-in)")
parser.add_argument("-u", dest="unit")
parser.add_argument("-n", dest="lines", type=int, default=0)
parser.add_argument("-o", dest="format", choices=["cat"], required=True)
parser.add_argument("--no-pager", action="store_true")
options = parser.parse_args()

wanted = options.unit and (options.unit if "." in options.unit else f"{options.unit}.service")
with open("/var/log/lab-journal") as file:
    entries = [line.rstrip("\n").partition(": ") for line in file]
for _, _, text in [entry for entry in entries if wanted in (None, entry[0])][-options.lines :]:
    print(text)
