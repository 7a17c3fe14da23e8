#!/usr/bin/env python3
"""Random requests to the control socket of a daemon that initiators keep busy.

usage: control_requests.py HOLDFASTD HOLDFAST-LAB FOLDER [SEED]

Each request is answered by one JSON object, or goes to a follower; whatever was asked, the daemon
lives, serves when the rules are taken away, and stops in order. HOLDFAST_REQUESTS: how many for
each daemon (10000). Prints the seed, what was wrong, and "N passed, N failed".
"""
import glob
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

FAULT_RULES = "tests/fuzz/corpus/fault/rule-*"
ANSWER_S = 60
PATIENCE_S = 0.2  # with a visitor whom a rule may keep waiting
STOP_S = 60
FOLLOWERS = 3
NEW_LUN = 100  # which no request has named, not even one with a wrong byte
INITIATOR = "iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-inq"
ODD = [None, True, False, 0, 1, -1, 255, 256, 65535, 65536, 2**31, 2**32, 2**53, 2**63 - 1, -(2**63), 1.5, "", "x",
       "0x1", "\u0000", "\u00e4" * 300, "a" * 5000, [], [1, 2], [1, 2, 3, 4, 5], {}, {"a": 1}, "all"]
EVENTS = ["scsi", "logout", "connection-drop", "session-drop", "negotiation", "task-termination", 250]
STATES = ["active/optimized", "active/non-optimized", "standby", "unavailable", "transitioning"]
KINDS = ["command", "conflict", "pr-change", "unit-attention", "task-management", "connection", "pdu", "fault",
         "finding", "decision"]


def rules():
    """The rules that the fuzzer begins with; what is behind an empty line is another matter."""
    found = []
    for name in sorted(glob.glob(FAULT_RULES)):
        with open(name, "rb") as file:
            lines = file.read().split(b"\n\n")[0].split(b"\n")
        found += [line.decode("latin1") for line in lines if line.startswith((b"on ", b"id="))]
    assert len(found) > 50, "the fuzzer's rules are gone"
    return found


class Daemon:
    def __init__(self, program, folder, threads, seed):
        self.random = random.Random(seed)
        self.folder = f"{folder}/{threads}"
        os.mkdir(self.folder)
        self.errors = open(f"{self.folder}/errors", "w+b")
        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--profile", "spc4", "--threads", str(threads), "--state-dir",
             f"{self.folder}/state"], stdout=subprocess.PIPE, stderr=self.errors)
        ready = json.loads(self.process.stdout.readline())
        self.control, self.target = ready["control"], ready["target"]
        self.url = f"iscsi://{ready['portals'][0]}/{self.target}"
        self.tsihs = [1]
        self.rules = rules()
        self.reconnect()

    def reconnect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_S)
        connection.connect(self.control)
        self.stream = connection.makefile("rwb")
        connection.close()

    def values(self):
        """For each member of a request, one that is right."""
        pick, number = self.random.choice, self.random.randrange
        return {
            "target": self.target,
            "lun": number(3),
            "size": pick(["1M", "64M", "3G", "0", 1 << 20]),
            "settings": pick([{}, {"size": "8M", "backing": "memory"}, {"size": "1M", "backing": "null"},
                              {"size": "2M", "block_size": "4096"}, {"size": "1M", "profile": "dlt-s4"},
                              {"size": "1M", "path": f"{self.folder}/disk{number(4)}"}, {"x": "y"}]),
            "rule": pick(self.rules),
            "id": str(number(20)),
            "ms": pick([0, 1, 1000, 100000]),
            "group": number(3),
            "state": pick(STATES),
            "initiator": pick([INITIATOR, "*", "iqn.*"]),
            "isid": "400000000001",
            "snap": pick([64, 256, 65535]),
            "follow": pick([True, False]),
            "pdus": pick([True, False]),
            "last": number(200),
            "name": pick(["*", "READ*", "PERSISTENT*"]),
            "status": pick(["good", "check-condition", "reservation-conflict"]),
            "kind": pick(KINDS),
            "tsih": pick(self.tsihs),
            "event": pick(EVENTS),
            "cid": number(3),
            "seconds": number(4),
            "sense": pick(["6/29/00", "6/3f/0e"]),
            "code": number(256),
            "parameters": [number(4) for _ in range(3)],
        }

    def request(self, commands):
        command = self.random.choice(list(commands))
        right = self.values()
        request = {"command": command if self.random.random() < 0.98 else self.random.choice(ODD)}
        for member in commands[command]:
            if self.random.random() < 0.7:
                request[member] = right[member] if self.random.random() < 0.85 else self.random.choice(ODD)
        text = bytearray(json.dumps(request).encode())
        if self.random.random() < 0.03:
            text[self.random.randrange(len(text))] = self.random.randrange(32, 256)
        return request, bytes(text)

    def ask(self, text):
        """The answer; None: the daemon has closed the connection."""
        self.stream.write(text + b"\n")
        self.stream.flush()
        line = self.stream.readline()
        if not line:
            self.reconnect()
            return None
        answer = json.loads(line)
        assert isinstance(answer, dict) and isinstance(answer.get("ok"), bool), line[:200]
        return answer

    def command(self, name):
        answer = self.ask(json.dumps({"command": name}).encode())
        assert answer and answer["ok"], (name, answer)
        return answer

    def fight(self, count, commands):
        followers = []
        for i in range(count):
            request, text = self.request(commands)
            if request["command"] in ("trace", "capture"):
                # What it sends is for nobody, and somebody who reads nothing must not matter.
                self.stream.write(text + b"\n")
                self.stream.flush()
                followers.append(self.stream)
                if len(followers) > FOLLOWERS:
                    followers.pop(0).close()
                self.reconnect()
                continue
            try:
                self.ask(text)
            except (OSError, ValueError, AssertionError) as problem:
                raise AssertionError(f"request {i}, {text[:300]}: {problem!r}") from problem
            if i % 100 == 0:
                self.next_round()
        for follower in followers:
            follower.close()

    def order(self, **request):
        """For what may be refused."""
        return self.ask(json.dumps(request).encode())

    def next_round(self):
        """A few rules alone, and a disk to fight for; an initiator comes and goes under them, or cannot."""
        self.calm()
        for _ in range(self.random.randrange(3)):
            self.order(command="fault-add", rule=self.random.choice(self.rules))
        sessions = self.command("sessions")
        self.tsihs = [session["tsih"] for session in sessions["sessions"]] or [1]
        visitor = subprocess.Popen(["iscsi-inq", f"{self.url}/0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            visitor.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            visitor.kill()
            visitor.wait()

    def calm(self):
        self.command("fault-clear")
        self.command("clock-resume")
        self.order(command="lun-add", lun=0, settings={})
        for group in range(3):
            self.order(command="alua-set", lun=0, group=group, state=STATES[0])

    def prove_service(self):
        self.calm()
        answer = self.order(command="lun-add", lun=NEW_LUN, settings={"size": "1M", "backing": "memory"})
        assert answer and answer["ok"], answer
        served = subprocess.run(["iscsi-inq", f"{self.url}/{NEW_LUN}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=ANSWER_S, check=False)
        assert served.returncode == 0, served.stdout[-300:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_S)
        assert status == 0, f"it stopped with status {status}"

    def tail(self):
        self.errors.seek(0)
        lines = self.errors.read().decode("latin1").splitlines()
        worst = [i for i, line in enumerate(lines) if "ERROR: " in line or "runtime error" in line
                 or "Assertion" in line]
        first = worst[0] if worst else max(len(lines) - 20, 0)
        return "\n".join("     | " + line[:200] for line in lines[first:first + 30])


class Load:
    """Initiators, until the end: a fight over LUN 0, and some that come and go."""

    def __init__(self, lab, daemon):
        self.pid = daemon.process.pid
        self.shells = [
            self.repeat(f'timeout 30 "{lab}" stress --initiators 4 --seconds 5 --timeout-ms 1000 "{daemon.url}/0"'),
            self.repeat(f'timeout 10 iscsi-inq "{daemon.url}/$((RANDOM % 3))"'),
        ]

    def repeat(self, what):
        return subprocess.Popen(["bash", "-c", f"while kill -0 {self.pid}; do {what}; sleep 0.05; done"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def end(self):
        for shell in self.shells:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


def commands_of(daemon):
    """Which there are says the daemon, as it does to somebody who mistypes; which members they take, too."""
    answer = daemon.ask(b'{"command": "?"}')
    names = answer["error"].split("(known: ")[1].rstrip(")").replace(",", " ").split()
    members = {}
    for name in names:
        members[name] = []
        for member in daemon.values():
            asked = daemon.ask(json.dumps({"command": name, member: None, "?": 1}).encode())
            if "`?`" in asked["error"]:
                members[name].append(member)
    assert len(members["trace"]) >= 8 and "rule" in members["fault-add"], members
    return members


def run(program, lab, folder, threads, seed, count):
    daemon = Daemon(program, folder, threads, seed)
    load = None
    try:
        commands = commands_of(daemon)
        load = Load(lab, daemon)
        daemon.fight(count, commands)
        daemon.prove_service()
        load.end()
        load = None
        daemon.stop()
        return True
    except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as problem:
        print(f"with {threads} loops: {problem}")
        if daemon.process.poll() is None:
            daemon.process.kill()
        daemon.process.wait()
        print(daemon.tail())
        return False
    finally:
        if load:
            load.end()


def main():
    program, lab, folder = sys.argv[1:4]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(os.environ.get("HOLDFAST_SEED", time.time()))
    count = int(os.environ.get("HOLDFAST_REQUESTS", "10000"))
    print(f"seed {seed}", flush=True)
    results = [run(program, lab, folder, threads, seed + threads, count) for threads in (1, 2)]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
