#!/usr/bin/env python3
"""Runs a program on a terminal of its own and looks at what it draws, as a terminal does.

usage: terminal.py COLUMNSxROWS[,COLUMNSxROWS] [--interrupt] -- PROGRAM...

With a second size the terminal is resized in the middle. Prints "N passed, N failed"; what the
terminal shows at the end goes to standard error.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x00-\x1f\x7f]|[\x00-\x1f\x7f]", re.S)
LIMIT_S = 120


class Terminal:
    """Two pages of characters, and the few sequences that the lab may use."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.pages = [{}, {}]
        self.page = 0
        self.row = self.column = 0
        self.cursor = True
        self.styled = False
        self.wrong = []
        self.pictures = 0

    def feed(self, text):
        for token in TOKEN.finditer(text):
            self.take(token.group(0), token.group(1), token.group(2))

    def take(self, token, parameters, final):
        if final is not None:
            self.control(parameters, final)
        elif token == "\r":
            self.column = 0
        elif token == "\n":
            self.row += 1
            if self.page == 1 and self.row >= self.rows:
                self.wrong.append("the picture scrolls")
        elif ord(token) < 32 or ord(token) == 127:
            self.wrong.append(f"control character {ord(token):#x}")
        else:
            if self.column >= self.columns and self.page == 1:
                self.wrong.append(f"row {self.row} is too long")
            self.pages[self.page].setdefault(self.row, {})[self.column] = token
            self.column += 1

    def control(self, parameters, final):
        page = self.pages[self.page]
        if final == "m":
            self.styled = parameters != "0"
        elif final == "H" and parameters == "":
            self.row = self.column = 0
            self.pictures += 1
        elif final == "K" and parameters == "":
            row = page.setdefault(self.row, {})
            for column in [c for c in row if c >= self.column]:
                del row[column]
        elif final == "J" and parameters == "2":
            page.clear()
        elif parameters == "?25":
            self.cursor = final == "h"
        elif parameters == "?1049":
            self.page = 1 if final == "h" else 0
        else:
            self.wrong.append(f"sequence {parameters}{final}")
        if final == "m" or self.page == 1:
            return
        if final in "HJK":
            self.wrong.append(f"{final} on the page of the shell")

    def lines(self, page):
        rows = self.pages[page]
        return ["".join(rows.get(row, {}).get(column, " ") for column in range(400)).rstrip()
                for row in range(max(rows, default=-1) + 1)]


def start(program, columns, rows):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LANG="C.UTF-8", LC_ALL="C.UTF-8")
        os.environ.pop("NO_COLOR", None)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvp(program[0], program)
    resize(fd, columns, rows)
    return pid, fd


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def watch(fd, terminal, second, interrupt):
    """Returns the middle page as it was when the run ended."""
    decoder_rest = b""
    last = []
    begun = time.monotonic()
    while time.monotonic() - begun < LIMIT_S:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            return last
        decoder_rest += chunk
        # A picture is written at once, but may be read in pieces.
        text = decoder_rest.decode("utf-8", "ignore")
        kept = len(text.encode("utf-8"))
        cut = text.rfind("\x1b") if re.search(r"\x1b\[?[?0-9;]*$", text) else len(text)
        kept = len(text[:cut].encode("utf-8"))
        decoder_rest = decoder_rest[kept:]
        was = terminal.page
        terminal.feed(text[:cut])
        if terminal.page == 1 or was == 1:
            last = terminal.lines(1)
        if second and terminal.pictures > 5:
            # What is under way was drawn for the old size; it may be cut, and is drawn anew.
            terminal.columns, terminal.rows = max(terminal.columns, second[0]), max(
                terminal.rows, second[1])
            resize(fd, *second)
            second = None
        if interrupt and terminal.pictures > 5:
            os.write(fd, b"\x03")
            interrupt = False
    sys.exit("it does not end")


def main():
    at = sys.argv.index("--")
    sizes = [tuple(int(n) for n in size.split("x")) for size in sys.argv[1].split(",")]
    interrupt = "--interrupt" in sys.argv[2:at]
    terminal = Terminal(*sizes[0])
    pid, fd = start(sys.argv[at + 1:], *sizes[0])
    page = watch(fd, terminal, sizes[1] if len(sizes) > 1 else None, interrupt)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shell = terminal.lines(0)
    width = sizes[-1][0]
    checks = {
        "it ends with " + ("1" if interrupt else "0"): status == (1 if interrupt else 0),
        "pictures were drawn": terminal.pictures > 5,
        "nothing is garbled": not terminal.wrong,
        "the terminal is given back": terminal.page == 0 and terminal.cursor and
                                      not terminal.styled,
        "lanes were shown": interrupt or any(line.startswith("node-a ") for line in page),
        "the last picture fits": all(len(line) <= width for line in page),
        "the last picture stays": interrupt or any("GOOD" in line for line in shell),
        "what it says at the end stands below": any(
            line.startswith("FAILED" if interrupt else "verdict  every rule held")
            for line in shell),
    }
    for what, holds in checks.items():
        if not holds:
            print(f"wrong  {what}")
    print("\n".join(shell + terminal.wrong[:5]), file=sys.stderr)
    print(f"{sum(checks.values())} passed, {len(checks) - sum(checks.values())} failed")
    sys.exit(not all(checks.values()))


main()
