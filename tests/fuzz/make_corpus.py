#!/usr/bin/env python3
"""Writes the seeds of the framing, login and text fuzz targets: tests/fuzz/corpus/NAME/*."""

import hashlib
import os
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


framing()
login()
texts()
