"""Unit files as systemd reads them, for what stands in for it in an instance that is no booted system."""

import os
import re
import shlex

UNITS = "/etc/systemd/system"
DIRECTORIES = {"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache"}
# Orders between units mean nothing here, because the network is there before anything starts.
SETTINGS = {
    "Unit": "Description Documentation Wants After StartLimitIntervalSec",
    "Service": "Type ExecStart ExecStopPost EnvironmentFile RemainAfterExit Restart RestartSec TimeoutStartSec "
    "StandardOutput StandardError " + " ".join(f"{name} {name}Mode" for name in DIRECTORIES),
    "Timer": "OnActiveSec OnUnitInactiveSec AccuracySec",
    "Install": "WantedBy",
}
VALUES = {"Type": ("oneshot", "notify"), "Restart": ("no", "on-failure")}


class Refusal(Exception):
    """What the stand-in does not know, or a unit could not do."""


def read_unit(name):
    """The unit's settings, of all sections in one table. A setting without a meaning here is an error, never left out."""
    settings, section = {}, ""
    try:
        with open(f"{UNITS}/{name}") as file:
            lines = [line.strip() for line in file]
    except OSError:
        raise Refusal(f"Unit {name} not found.") from None
    for line in lines:
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = line.strip("[]")
            continue
        key, _, value = line.partition("=")
        if key not in SETTINGS.get(section, "").split() or value not in VALUES.get(key, (value,)):
            raise Refusal(f"{name}: the lab's stand-in for systemd does not know [{section}] {line}")
        settings[key] = value
    return settings


def seconds(text):
    match = re.fullmatch(r"(\d+)(s|min|)", text)
    if not match:
        raise Refusal(f"the lab's stand-in for systemd does not know the time {text}")
    return int(match[1]) * (60 if match[2] == "min" else 1)


def environment(file):
    """An EnvironmentFile; a shell's quotes are systemd's as well."""
    if not file:
        return {}
    with open(file) as opened:
        lines = [line.strip() for line in opened]
    pairs = [line.partition("=") for line in lines if line and line[0] != "#"]
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}


def command(line, env):
    """${NAME} is text within a word; $NAME alone is as many words as it has."""
    words = []
    for word in shlex.split(line):
        if re.fullmatch(r"\$\w+", word):
            words += env.get(word[1:], "").split()
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda name: env.get(name[1], ""), word))
    return words


def make_directories(unit):
    for kind, parent in DIRECTORIES.items():
        if kind in unit:
            path = f"{parent}/{unit[kind]}"
            os.makedirs(path, exist_ok=True)
            os.chmod(path, int(unit.get(f"{kind}Mode", "0755"), 8))
