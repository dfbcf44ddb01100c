"""Services and timers, run as their unit files say."""

import os
import signal
import socket
import subprocess
import threading

from unit_file import Refusal, command, environment, make_directories, read_unit, seconds

RUN = "/run/lab"
JOURNAL = "/var/log/lab-journal"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_SECONDS = 5

output = threading.Lock()


def console(text):
    with output:
        print(text, flush=True)


def journal(unit, line):
    with output, open(JOURNAL, "a") as file:
        file.write(f"{unit}: {line}\n")


class Unit:
    """A unit that a thread of its own takes care of for as long as it is wanted."""

    def __init__(self, name):
        self.name = name
        self.state = "inactive"
        self.problem = None
        self.settled = threading.Event()  # it is up, or has failed for a first time
        self.unwanted = threading.Event()
        self.thread = None

    def start(self, wait=True):
        if not (self.thread and self.thread.is_alive()) and self.state != "active":
            unit = read_unit(self.name)
            self.state, self.problem = "activating", None
            self.settled.clear()
            self.unwanted.clear()
            self.thread = threading.Thread(target=self.attend, args=(unit,), daemon=True)
            self.thread.start()
        if wait:
            self.settled.wait()
            if self.problem:
                raise Refusal(f"Job for {self.name} failed: {self.problem}")

    def stop(self):
        self.unwanted.set()
        self.interrupt()
        if self.thread:
            self.thread.join()
        self.state = "inactive"

    def interrupt(self):
        """Ends what runs of it."""

    def attend(self, unit):
        raise NotImplementedError


class Service(Unit):
    process = None

    def attend(self, unit):
        while True:
            try:
                self.problem = self.live(unit)
            except (Refusal, OSError, KeyError, ValueError) as error:
                self.problem = f"{type(error).__name__}: {error}"
            if self.problem:
                self.state = "failed"
                journal(self.name, self.problem)
            elif unit.get("RemainAfterExit") != "yes":
                self.state = "inactive"
            self.settled.set()
            if not self.problem or unit.get("Restart") != "on-failure":
                return
            if self.unwanted.wait(seconds(unit["RestartSec"]) if "RestartSec" in unit else 0.1):
                return
            self.state = "activating"

    def live(self, unit):
        """One life of its process; returns what went wrong with it, or None."""
        env = {"PATH": PATH, "LANG": "C.UTF-8", **environment(unit.get("EnvironmentFile"))}
        make_directories(unit)
        if unit["Type"] == "notify":
            with Readiness(self.name) as readiness:
                reader = self.spawn(unit, {**env, "NOTIFY_SOCKET": readiness.path})
                if readiness.wait(self.process, seconds(unit.get("TimeoutStartSec", "90s"))):
                    self.up()
                else:
                    self.signal(signal.SIGKILL)
                code = self.process.wait()
        else:
            reader = self.spawn(unit, env)
            code = self.process.wait()
        self.signal(signal.SIGKILL)  # what it has left behind goes with it, as under systemd
        reader.join(1)
        if "ExecStopPost" in unit:
            subprocess.run(command(unit["ExecStopPost"], env), env=env, capture_output=True, check=False)
        if self.unwanted.is_set():
            return None
        if unit["Type"] == "oneshot" and code == 0:
            self.up()
        return f"exit code {code}" if code else None

    def spawn(self, unit, env):
        self.process = subprocess.Popen(
            command(unit["ExecStart"], env),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        to_console = unit.get("StandardOutput") == "journal+console"
        reader = threading.Thread(target=self.copy_output, args=(self.process, to_console), daemon=True)
        reader.start()
        return reader

    def up(self):
        self.state = "active"
        self.settled.set()

    def copy_output(self, process, to_console):
        program = os.path.basename(process.args[0])
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip()
            journal(self.name, text)
            if to_console:
                console(f"{program}[{process.pid}]: {text}")

    def interrupt(self):
        process = self.process
        if process and process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)

    def signal(self, number):
        """To its process and all that it has started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


class Readiness:
    """The socket on which a service of type notify says that it is up."""

    def __init__(self, name):
        self.path = f"{RUN}/notify-{name}"
        self.ready = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.socket.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RD)

    def listen(self):
        with self.socket:
            while data := self.socket.recv(4096):
                if b"READY=1" in data.split(b"\n"):
                    self.ready.set()

    def wait(self, process, limit):
        for _ in range(limit * 10):
            if self.ready.wait(0.1):
                return True
            if process.poll() is not None:
                return False
        return False


class Timer(Unit):
    """Starts the service of its name; its clock starts again when the service has ended."""

    def __init__(self, name, service):
        super().__init__(name)
        self.service = service

    def attend(self, unit):
        self.state = "active"
        self.settled.set()
        pause = seconds(unit["OnActiveSec"])
        while not self.unwanted.wait(pause):
            try:
                self.service.start()
            except Refusal as error:
                journal(self.name, str(error))
            pause = seconds(unit["OnUnitInactiveSec"])
