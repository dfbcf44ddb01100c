"""The first process of an instance that is no booted system, and as much of systemd as a relay host asks for.

It runs services and timers from unit files, and `systemctl` sends it its arguments. What it does not know is an error,
on the console too. It ends with exit code 0 when it is switched off (SIGTERM, `systemctl poweroff`), and with 133 for
`systemctl reboot`.
"""

import json
import os
import signal
import socket
import socketserver
import threading

from unit_file import UNITS, Refusal, read_unit
from units import RUN, Service, Timer, console

REBOOT = 133
TARGETS = ("multi-user.target", "timers.target")
# How tailscale asks what is the matter with a tailscaled that does not answer.
SHOWN = ["--no-page", "--property", "LoadState,ActiveState,SubState"]
FLAGS = {"enable": ["--now", "--no-block"], "disable": ["--now"], "start": ["--no-block"]}


class Manager:
    def __init__(self):
        self.units = {}
        self.targets = set()
        self.power = None
        self.off = threading.Event()

    def systemctl(self, arguments):
        """Carries out `systemctl ARGUMENT...`; returns its exit code and what it prints."""
        verb, *rest = arguments
        if verb == "show" and rest[1:] == SHOWN:
            return 0, self.show(rest[0])
        names = [name if "." in name else f"{name}.service" for name in rest if name[:1] != "-"]
        flags = [flag for flag in rest if flag[:1] == "-"]
        handler = getattr(self, f"do_{verb.replace('-', '_')}", None)
        if not handler or [flag for flag in flags if flag not in FLAGS.get(verb, [])]:
            raise Refusal(f"the lab's stand-in does not know: systemctl {' '.join(arguments)}")
        return handler(names, flags) or (0, "")

    def unit(self, name):
        if name not in self.units:
            if name.endswith(".service"):
                self.units[name] = Service(name)
            elif name.endswith(".timer"):
                self.units[name] = Timer(name, self.unit(name.replace(".timer", ".service")))
            else:
                raise Refusal(f"the lab's stand-in for systemd does not know {name}")
        return self.units[name]

    def switch_off(self, code):
        self.power = code
        self.off.set()

    def shut_down(self):
        stops = [threading.Thread(target=unit.stop, daemon=True) for unit in list(self.units.values())]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()

    def do_daemon_reload(self, _names, _flags):
        """Nothing to do: unit files are read whenever a unit starts."""

    def do_poweroff(self, _names, _flags):
        self.switch_off(0)

    def do_reboot(self, _names, _flags):
        self.switch_off(REBOOT)

    def do_cat(self, names, _flags):
        text = ""
        for name in names:
            try:
                with open(f"{UNITS}/{name}") as file:
                    text += f"# {UNITS}/{name}\n{file.read()}"
            except FileNotFoundError:
                return 1, f"No files found for {name}."
        return 0, text

    def do_is_active(self, names, _flags):
        states = [self.state_of(name) for name in names]
        return 0 if "active" in states else 3, "\n".join(states)

    def state_of(self, name):
        if name in self.targets:
            return "active"
        return self.units[name].state if name in self.units else "inactive"

    def show(self, name):
        load = "loaded" if os.path.exists(f"{UNITS}/{name}") else "not-found"
        state = self.state_of(name)
        sub = {"active": "running", "activating": "start", "failed": "failed"}.get(state, "dead")
        return f"LoadState={load}\nActiveState={state}\nSubState={sub}"

    def do_enable(self, names, flags):
        for name in names:
            link = self.wanted_by(name)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if not os.path.islink(link):
                os.symlink(f"../{name}", link)
        if "--now" in flags:
            self.do_start(names, flags)

    def do_disable(self, names, flags):
        for name in names:
            link = self.wanted_by(name)
            if os.path.islink(link):
                os.unlink(link)
        if "--now" in flags:
            self.do_stop(names, flags)

    def wanted_by(self, name):
        """The link that makes the unit start at boot."""
        target = read_unit(name).get("WantedBy")
        if target not in TARGETS:
            raise Refusal(f"{name} is not wanted by one of {', '.join(TARGETS)}: it cannot be enabled")
        return f"{UNITS}/{target}.wants/{name}"

    def do_start(self, names, flags):
        for name in names:
            if name == TARGETS[0]:
                self.start_enabled()
            else:
                self.unit(name).start(wait="--no-block" not in flags)

    def start_enabled(self):
        for target in TARGETS:
            wants = f"{UNITS}/{target}.wants"
            for name in sorted(os.listdir(wants)) if os.path.isdir(wants) else []:
                self.unit(name).start(wait=False)
            self.targets.add(target)

    def do_stop(self, names, _flags):
        for name in names:
            self.unit(name).stop()

    def do_restart(self, names, flags):
        self.do_stop(names, flags)
        self.do_start(names, flags)


class Request(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            code, text = manager.systemctl(json.loads(self.rfile.readline()))
        except (Refusal, OSError, ValueError) as error:
            code, text = 1, str(error)
            console(f"systemctl: {text}")
        self.wfile.write(json.dumps([code, text]).encode())


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


manager = Manager()


def main():
    os.makedirs(RUN)
    with open("/etc/hostname") as file:
        socket.sethostname(file.read().strip())
    signal.signal(signal.SIGTERM, lambda *_: manager.switch_off(0))
    server = Server(f"{RUN}/systemd.sock", Request)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    console("lab: started, without systemd and cloud-init")
    manager.off.wait()
    console("lab: shutting down")
    manager.shut_down()
    os._exit(manager.power)


main()
