#!/usr/bin/env python3
"""Writes the seeds of the framing, login and text fuzz targets, and some of execute: tests/fuzz/corpus/NAME/*."""

import hashlib
import os
import re
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def save(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def text(*pairs):
    return b"".join(pair.encode() + b"\0" for pair in pairs)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def pdu(opcode, flags=0x80, ahs=b"", data=b"", digests=0):
    header = struct.pack(">BBHI", opcode, flags, 0, len(ahs) // 4 << 24 | len(data))
    header += bytes(8) + struct.pack(">III", 1, len(data), 1) + bytes(20) + ahs
    padded = data + bytes(-len(data) % 4)
    out = header + (crc32c(header) if digests & 1 else b"")
    return out + padded + (crc32c(padded) if digests & 2 and data else b"")


def framing():
    bidirectional = bytes([0, 5, 2, 0, 0, 0, 2, 0])
    long_cdb = bytes([0, 17, 1, 0]) + bytes(16)
    for digests in range(4):
        stream = pdu(0x40, digests=digests)
        stream += pdu(0x01, 0xE1, bidirectional, b"x" * 17, digests)
        stream += pdu(0x01, 0xA1, long_cdb, b"", digests)
        stream += pdu(0x05, 0x80, b"", bytes(range(200)), digests)
        save("framing", f"digests-{digests}", bytes([digests]) + stream)
    save("framing", "too-long", bytes([8]) + pdu(0x05, data=b"123"))
    save("framing", "direct", bytes([0xF4]) + pdu(0x05, data=bytes(700)) + pdu(0x00))
    save("framing", "wrong-digest", bytes([3]) + pdu(0x05, data=b"abc", digests=3)[:-1] + b"?")


NAMES = ("InitiatorName=iqn.2001-04.com.example:host", "TargetName=iqn.2001-04.com.example:disk")
DISCOVERY = (NAMES[0], "SessionType=Discovery")
OPERATIONAL = (
    "HeaderDigest=CRC32C,None", "DataDigest=None", "InitialR2T=No", "ImmediateData=Yes",
    "MaxBurstLength=262144", "FirstBurstLength=65536", "DefaultTime2Wait=2",
    "DefaultTime2Retain=0", "MaxOutstandingR2T=1", "ErrorRecoveryLevel=0", "IFMarker=No",
    "OFMarker=No", "MaxConnections=1", "MaxRecvDataSegmentLength=0x40000",
    "DataPDUInOrder=Yes", "DataSequenceInOrder=Yes",
)
RARE = ("TaskReporting=RFC3720", "iSCSIProtocolLevel=2", "X#NodeArchitecture=a,b",
        "IFMarkInt=2048~8192", "X-com.example=1", "RDMAExtensions=Yes", "InitiatorAlias=me")


def request(flags, data=b"", change=0):
    return struct.pack(">BBH", flags, change, len(data)) + data


def login():
    whole = text(*NAMES, *OPERATIONAL)
    save("login", "one-request", b"\0" + request(0x87, whole))
    save("login", "both-stages", b"\0" + request(0x81, text(*NAMES, "AuthMethod=CHAP,None"))
         + request(0x87, text(*OPERATIONAL)))
    save("login", "discovery", b"\0" + request(0x83, text(*DISCOVERY, "AuthMethod=None")))
    save("login", "cut", b"\0" + request(0x44, whole[:50]) + request(0x44, whole[50:90])
         + request(0x87, whole[90:]))
    save("login", "slow", b"\6" + request(0x04, text(*NAMES)) + request(0x04, text(*RARE))
         + request(0x04) + request(0x87, text(*NAMES, "MaxBurstLength=512")))
    save("login", "changes", b"\0" + request(0x04, text(*NAMES)) + request(0x87, b"", 0xC2))
    save("login", "foreign", b"\0" + request(0x04, text(*NAMES)) + request(0x87, b"", 0xC0))
    many = text(*(f"X-{i:061d}=" for i in range(110)))
    save("login", "long-answer", b"\0" + request(0x04, text(*NAMES)) + request(0x87, many)
         + request(0x04) + request(0x87))
    save("login", "refused", b"\x20" + request(0x87, whole))
    save("login", "moved", b"\x11" + request(0x87, whole))
    save("login", "chap-proposed", b"\x40" + request(0x81, text(*NAMES))
         + request(0x00, text("AuthMethod=CHAP", "CHAP_A=5")) + request(0x81, chap("md5")))
    for number, name in ((5, "md5"), (6, "sha1"), (7, "sha256"), (8, "sha3_256")):
        for setup, more in ((0x40, ()), (0xC0, ("CHAP_I=9", "CHAP_C=0b3q2+7w=="))):
            save("login", f"chap-{number}-{setup:x}", bytes([setup])
                 + request(0x00, text(*NAMES, "AuthMethod=CHAP,None"))
                 + request(0x00, text(f"CHAP_A={number}"))
                 + request(0x81, chap(name, *more)) + request(0x87, text(*OPERATIONAL)))


def chap(digest, *more):
    """The answer to the fuzz target's first challenge: identifier 0, bytes 1 to 32."""
    known = bytes([0]) + b"initiator-secret" + bytes(range(1, 33))
    return text("CHAP_N=alice", "CHAP_R=0x" + hashlib.new(digest, known).hexdigest(), *more)


def texts():
    save("text", "operational", text(*OPERATIONAL))
    save("text", "rare", text(*NAMES, *RARE))
    save("text", "full-feature", text("MaxRecvDataSegmentLength=0x10000", "X-z=1"))
    save("text", "all", text("SendTargets=All"))
    save("text", "own", text("SendTargets="))
    save("text", "named", text("SendTargets=naa.52004567BA64678D"))
    save("text", "names", text("A=eui.02004567a425678d", "B=iqn.2001-04.com.\u00e9:x"))
    save("text", "addresses", text("A=[fe80::1%eth0]:3260", "B=192.0.2.1", "C=::1"))
    save("text", "numbers", text("A=18446744073709551615", "B=0xffffffffffffffff", "C=007"))


def mixed(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 % 2**64
    x ^= x >> 27
    x = x * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def naa(lun):
    """How lun.c names the LUNs of the fixture's target."""
    x = mixed(2 + 1)
    for byte in bytes([1, 2, 3]) + bytes(13) + b"iqn.2026-01.test.holdfast:target":
        x = mixed(x ^ byte)
    x = mixed(x ^ (0x100 + lun))
    return (x & 0x0FFFFFFFFFFFFFFF | 3 << 60).to_bytes(8, "big")


def command(who, cdb, out=b"", expected_in=0):
    code = {6: 0, 10: 1, 12: 2, 16: 3}[len(cdb)]
    return bytes([0, who, code]) + struct.pack(">HH", len(out), expected_in) + bytes(cdb) + out


def listed(who, cdb, out, at, width):
    cdb = bytearray(cdb)
    cdb[at:at + width] = len(out).to_bytes(width, "big")
    return command(who, cdb, out)


def cscd(lun):
    return bytes([0xE4, 0, 0, 0, 1, 3, 0, 8]) + naa(lun) + bytes(12) + bytes([0, 0, 2, 0])


def segment(source, destination, blocks, source_lba, destination_lba):
    return struct.pack(">BBHHHHHQQ", 2, 0, 24, source, destination, 0, blocks, source_lba,
                       destination_lba)


def copy(who, usage, cscds, segments):
    header = struct.pack(">BBHIII", 1, usage << 3, 32 * len(cscds), 0, 28 * len(segments), 0)
    return listed(who, bytes([0x83]) + bytes(15), header + b"".join(cscds + segments), 10, 4)


def execute():
    a, on_lun_1 = 0x10, 0x90
    results = b"".join(command(a, bytes([0x84, action, 1]) + bytes(9) + b"\1\0\0\0", b"", 255)
                       for action in (0, 3, 4))
    caching = bytes([0, 0, 0, 0, 0x08, 0x12, 0x00]) + bytes(17)
    held = b"\6\0\1"
    save("execute", "copy", b"\xc1" + copy(a, 0, [cscd(0), cscd(1)], [
        segment(0, 1, 4, 0, 8), segment(1, 0, 2, 8, 4)]) + results)
    save("execute", "copy_aborted", b"\xc1" + held + copy(0x00, 0, [cscd(0), cscd(1)], [
        segment(0, 1, 16, 0, 0)]) + bytes([5, 0, 2, 0]) + b"\6\0\0" + results)
    save("execute", "copy_refused", b"\xc1" + copy(a, 3, [cscd(0)], [segment(0, 1, 1, 0, 0)])
         + copy(a, 0, [cscd(0)] * 17, []) + copy(a, 2, [cscd(9)], [segment(0, 0, 1, 0, 15)]))
    save("execute", "mode_saved", b"\xc1" + listed(a, b"\x15\x11\0\0\0\0", caching, 4, 1)
         + b"\7\0\x04" + listed(a, b"\x15\x11\0\0\0\0", caching, 4, 1) + b"\7\0\0"
         + command(a, b"\x1a\0\xff\xff\xff\0", b"", 255) + b"\x08\0")
    save("execute", "names", b"\x81" + listed(a, b"\xa4\x06" + bytes(10), b"name", 6, 4)
         + command(a, b"\xa3\x05\0\0\0\0\0\0\1\0\xfe\0", b"", 255))
    save("execute", "access_states", b"\xc1" + listed(
        a, b"\xa4\x0a" + bytes(10), bytes([0, 0, 0, 0, 2, 0, 0, 1, 3, 0, 0, 2]), 6, 4)
         + command(0x11, b"\0" * 6) + command(a, b"\xa3\x2a" + bytes(6) + b"\1\0\0\0", b"", 255))
    save("execute", "buffers_logs", b"\x41"
         + listed(a, b"\x3b\x0a" + bytes(8), b"echo", 6, 3)
         + command(a, b"\x3c\x0a\0\0\0\0\0\1\0\0", b"", 256)
         + command(a, b"\x4d\0\x59\0\0\0\1\1\0\0", b"", 256)
         + command(a, b"\x4c\2\x40\0\0\0\0\0\0\0") + command(a, b"\x1d\4\0\0\0\0")
         + command(on_lun_1, b"\x1c\1\0\0\xff\0", b"", 255))


def seen(who, bhs, data=b"", sent=False, state=0):
    """One PDU for the observer: who, what kind, header, length, data."""
    step = (0x80 if sent else 0) | (0x40 | state << 4 if state else 0)
    return bytes([who, step]) + bhs + struct.pack(">H", len(data)) + data


def bhs(opcode, flags, lun=bytes(8), itt=1, rest=b""):
    return (struct.pack(">BBHI", opcode, flags, 0, 0) + lun + struct.pack(">I", itt) + rest).ljust(
        48, b"\0")


def observer():
    no_tag = 0xFFFFFFFF
    names = text(*NAMES, *OPERATIONAL)
    isid = bytes([0x40, 0, 1, 0x37, 0, 1, 0, 0])
    request = seen(0, bhs(0x43, 0x87, isid, 1, struct.pack(">HHII", 1, 0, 10, 5)), names)
    final = seen(0, bhs(0x23, 0x87, isid[:6] + b"\0\7", 1, struct.pack(
        ">IIII", 0, 5, 10, 40)), sent=True)
    login = request + final

    def sns(stat, command=10):
        return struct.pack(">III", stat, command, command + 30)

    write = seen(0, bhs(0x01, 0x20, itt=2, rest=struct.pack(">III", 8192, 10, 6) + b"\x2a" + bytes(
        7) + b"\x10"))
    burst = b"".join(seen(0, bhs(0x05, 0x00, itt=2, rest=struct.pack(
        ">IIIIII", no_tag, 0, 6, 0, n, 500 * n)), bytes(500)) for n in range(8))
    r2t = seen(0, bhs(0x31, 0x80, itt=2, rest=struct.pack(">I", 77) + sns(6, 11) + struct.pack(
        ">III", 0, 4000, 4192)), sent=True)
    answer = seen(0, bhs(0x05, 0x80, itt=2, rest=struct.pack(
        ">IIIIII", 77, 0, 6, 0, 0, 4000)), bytes(400))
    done = seen(0, bhs(0x21, 0x80, itt=2, rest=struct.pack(">I", 0) + sns(6, 11)), sent=True)
    save("observer", "write", login + write + burst + r2t + answer + done)
    abort = seen(0, bhs(0x42, 0x81, itt=3, rest=struct.pack(">IIII", 2, 11, 6, 10)))
    aborted = seen(0, bhs(0x22, 0x80, itt=3, rest=struct.pack(">I", 0) + sns(6, 11)), sent=True)
    logout = seen(0, bhs(0x46, 0x80, itt=4, rest=struct.pack(">HHII", 1, 0, 11, 7)))
    bye = seen(0, bhs(0x26, 0x80, itt=4, rest=struct.pack(">I", 0) + sns(7, 11)), sent=True)
    save("observer", "abort", login + write + r2t + abort + aborted + logout + bye + b"\xfe\0")
    send_targets = seen(0, bhs(0x04, 0x80, itt=5, rest=struct.pack(">III", no_tag, 10, 6)),
                        text("SendTargets=All"))
    targets = seen(0, bhs(0x24, 0x80, itt=5, rest=struct.pack(">I", no_tag) + sns(6, 11)),
                   text(NAMES[1]), sent=True)
    discovery = seen(0, bhs(0x43, 0x87, isid, 1, struct.pack(">HHII", 1, 0, 10, 5)),
                     text(*DISCOVERY))
    save("observer", "discovery", discovery + final + send_targets + targets + logout + bye)
    again = (request + final).replace(b"\0\x80", b"\3\x80", 1)
    save("observer", "back", login + write + b"\xff\0" + again + b"\xfe\0")
    chap = [seen(0, bhs(0x43, 0x00, isid, 1, struct.pack(">HHII", 1, 0, 10, 5 + n)), words)
            + seen(0, bhs(0x23, 0x00, isid, 1, struct.pack(">IIII", 0, 5 + n, 10, 40)), said, True)
            for n, (words, said) in enumerate((
                (text(*NAMES, "AuthMethod=CHAP"), text("AuthMethod=CHAP")),
                (text("CHAP_A=7,5"), text("CHAP_A=5", "CHAP_I=1", "CHAP_C=0x0102030405060708")),
                (text("CHAP_N=a", "CHAP_R=0x00112233445566778899aabbccddeeff", "CHAP_I=2",
                      "CHAP_C=0b3q2+7w=="), b"")))]
    save("observer", "chap", b"".join(chap))


def fault():
    """Rules, an empty line, and steps: log in, take, and a bit of everything."""
    script = bytes([0, 0, 11, 0, 1, 0, 2, 9, 3, 1, 5, 7, 11, 0, 6, 0, 7, 0, 10, 20, 12, 0, 11, 0, 8, 0,
                    11, 0])
    rules = set()
    for name in ("sent", "received", "command", "rule"):
        path = os.path.join(HERE, "..", "unit", "transport", f"test_fault_{name}.c")
        with open(path, encoding="utf-8") as source:
            joined = re.sub(r'"\s*"', "", source.read())
        rules.update(re.findall(r'"((?:id=\S+ )?on (?:[^"\\]|\\.)*)"', joined))
    for number, rule in enumerate(sorted(rules)):
        plain = rule.replace('\\"', '"').replace("\\\\", "\\")
        save("fault", f"rule-{number:03}", plain.encode() + b"\n\n" + script)


framing()
login()
observer()
execute()
texts()
fault()
