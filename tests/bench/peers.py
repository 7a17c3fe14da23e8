"""The targets that the benchmark compares: how each is started, and why one is skipped."""

import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import time

START_S = 10
PAGE = 4096


class Skip(Exception):
    """A target that is not measured; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find(program):
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(program, path=path)
    if not found:
        raise Skip(f"{program} is not installed")
    return found


def make_file(path, size):
    """A file without holes, all of it in the page cache, page by page: what is written in one go
    may become one large folio, and then the kernel looks at all of it for each 4 KiB written."""
    block = random.Random(1).randbytes(PAGE)
    with open(path, "wb", buffering=0) as file:
        for _ in range(size // PAGE):
            file.write(block)


class Target:
    def __init__(self, name, port, iqn, lun, process, pauses=False):
        self.name, self.port, self.iqn, self.lun = name, port, iqn, lun
        self.process, self.pauses, self.digests = process, pauses, False
        self.control = None  # where `holdfast` finds it

    def pids(self):
        return [self.process.pid]


class Stable:
    """Starts targets, and ends what it started."""

    def __init__(self, folder, size, cpu):
        self.folder, self.size, self.cpu = folder, size, cpu
        self.processes = []
        self.targets = []

    def pin(self):
        if self.cpu is not None:
            os.sched_setaffinity(0, {self.cpu})

    def path(self, name):
        return os.path.join(self.folder, name)

    def disk(self, name):
        path = self.path(name + ".img")
        make_file(path, self.size)
        return path

    def spawn(self, command, **more):
        log = open(self.path("log." + os.path.basename(command[0])), "ab")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log,
                                   stdout=more.pop("stdout", log), preexec_fn=self.pin, **more)
        self.processes.append(process)
        return process

    def wait_for_port(self, process, port, name):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Skip(f"{name} ended at once, status {process.returncode}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise Skip(f"{name} does not listen after {START_S} s")

    def add(self, *arguments, **more):
        self.targets.append(Target(*arguments, **more))
        return self.targets[-1]

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # ---- one function a kind of target ----------------------------------------------------------

    def start_floor(self, program):
        process = self.spawn([program], stdout=subprocess.PIPE, text=True)
        self.add("floor", int(process.stdout.readline()), "iqn.2026-11.bench:floor", 0, process)

    def start_holdfast(self, program, prefix):
        """One daemon with two LUNs: memory, and a file that the page cache holds."""
        iqn = "iqn.2026-11.bench:" + prefix
        config = self.path(prefix + ".conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(
                f'log_level = "warning";\n'
                f"limits = {{ sessions_max = 16384; }};\n"
                f'targets = ( {{ name = "{iqn}"; luns = (\n'
                f'  {{ number = 0; backing = "memory"; size = "{self.size >> 20}M"; }},\n'
                f'  {{ number = 1; backing = "file"; path = "{self.disk(prefix)}"; }} ); }} );\n')
        process = self.spawn(
            [program, "--config", config, "--listen", "127.0.0.1:0",
             "--state-dir", self.path(prefix + ".state")], stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        if not line:
            raise Skip(f"{program} did not start; see {self.folder}")
        port = int(json.loads(line)["portals"][0].rsplit(":", 1)[1])
        for lun, kind in enumerate(["memory", "file"]):
            target = self.add(f"{prefix}-{kind}", port, iqn, lun, process)
            target.digests, target.control = True, json.loads(line)["control"]

    def start_tgt(self):
        tgtd, tgtadm = find("tgtd"), find("tgtadm")
        iqn, port, control = "iqn.2026-11.bench:tgt", free_port(), str(random.randint(1000, 30000))
        environment = dict(os.environ, TGT_IPC_SOCKET=self.path("tgt-ipc"))
        process = self.spawn([tgtd, "-f", "-C", control, "--iscsi", f"portal=127.0.0.1:{port}"],
                             env=environment)
        self.wait_for_port(process, port, "tgtd")
        for words in (f"--op new --mode target --tid 1 -T {iqn}",
                      f"--op new --mode logicalunit --tid 1 --lun 1 -b {self.disk('tgt')}",
                      "--op update --mode logicalunit --tid 1 --lun 1 --params thin_provisioning=1",
                      "--op bind --mode target --tid 1 -I ALL"):
            command = [tgtadm, "-C", control, "--lld", "iscsi"] + words.split()
            done = subprocess.run(command, env=environment, capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise Skip(f"tgtadm {words.split()[1]} fails: {done.stderr.strip()}")
        self.add("tgt-file", port, iqn, 1, process)

    def start_istgt(self):
        istgt = find("istgt")
        port, disk, folder = free_port(), self.disk("istgt"), self.folder
        config = self.path("istgt.conf")
        with open(self.path("istgt-auth.conf"), "w", encoding="ascii") as file:
            file.write("")
        os.chmod(self.path("istgt-auth.conf"), 0o600)
        with open(config, "w", encoding="ascii") as file:
            file.write(
                "[Global]\n"
                '  NodeBase "iqn.2026-11.bench"\n'
                f"  PidFile {folder}/istgt.pid\n  AuthFile {folder}/istgt-auth.conf\n"
                f"  MediaDirectory {folder}\n"
                '  LogFacility "local7"\n  Timeout 30\n  NopInInterval 20\n'
                "  DiscoveryAuthMethod Auto\n  MaxSessions 64\n  MaxConnections 4\n"
                "  MaxR2T 32\n  MaxOutstandingR2T 16\n  DefaultTime2Wait 2\n"
                "  DefaultTime2Retain 60\n  FirstBurstLength 262144\n  MaxBurstLength 1048576\n"
                "  MaxRecvDataSegmentLength 262144\n  InitialR2T Yes\n  ImmediateData Yes\n"
                "  DataPDUInOrder Yes\n  DataSequenceInOrder Yes\n  ErrorRecoveryLevel 0\n"
                "[UnitControl]\n  AuthMethod Auto\n  AuthGroup None\n"
                f"  Portal UC1 127.0.0.1:{free_port()}\n  Netmask 127.0.0.1\n"
                f"[PortalGroup1]\n  Portal DA1 127.0.0.1:{port}\n"
                '[InitiatorGroup1]\n  InitiatorName "ALL"\n  Netmask 127.0.0.0/8\n'
                "[LogicalUnit1]\n  TargetName istgt\n  Mapping PortalGroup1 InitiatorGroup1\n"
                "  AuthMethod Auto\n  UseDigest Auto\n  UnitType Disk\n  QueueDepth 64\n"
                f"  LUN0 Storage {disk} Auto\n")
        process = self.spawn([istgt, "-D", "-c", config, "-p", f"{folder}/istgt.pid"])
        self.wait_for_port(process, port, "istgt")
        self.add("istgt-file", port, "iqn.2026-11.bench:istgt", 0, process)

    def start_line(self, line):
        fields = [field.strip() for field in line.split("|", 3)]
        if len(fields) != 4:
            raise Skip(f"'{line}': not NAME | IQN | LUN | COMMAND")
        name, iqn, lun, command = fields
        port, folder = free_port(), self.path(name)
        os.mkdir(folder)
        words = [word.format(port=port, file=self.disk(name) if "{file}" in word else "",
                             dir=folder) for word in shlex.split(command)]
        process = self.spawn(words)
        self.wait_for_port(process, port, name)
        self.add(name, port, iqn, int(lun), process, pauses=True)
