"""Connections, and PDUs as bytes."""
import select
import socket
import struct
import time

from .common import Failed, Lost, before, broken, crc32c, require, settings

DATA_IN = 0x25


class Pdu:
    def __init__(self, bhs, data=b''):
        self.bhs, self.data = bhs, data
        self.opcode, self.flags = bhs[0] & 0x3F, bhs[1]
        self.lun, self.itt, self.ttt, self.statsn, self.expcmdsn, self.maxcmdsn = \
            struct.unpack_from('>QIIIII', bhs, 8)
        self.datasn, self.offset, self.residual = struct.unpack_from('>III', bhs, 36)
        self.connection = None
        self.spoilt = False     # its data digest was wrong
        self.counted = False    # its StatSN was

    def counts(self):
        """Does it use up a StatSN?"""
        if self.opcode == DATA_IN:
            return bool(self.flags & 1)
        if self.opcode == 0x20:
            return self.itt != 0xFFFFFFFF
        return self.opcode != 0x31      # R2T


class Connection:
    def __init__(self, portal, cid):
        host, port = split_portal(portal)
        self.cid = cid
        self.header_digest = self.data_digest = False
        self.mrdsl = 8192
        self.statsn = None      # that comes next
        self.unfinished = set()  # StatSNs that came before all of their data
        self.held = {}          # by StatSN: what came behind a gap
        self.asked = set()      # StatSNs that were asked for once more
        self.buffer = b''
        try:
            self.socket = socket.create_connection((host, port), timeout=settings.timeout)
        except OSError as error:
            raise Lost(str(error))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def expstatsn(self):
        if broken('acks-early'):
            return self.statsn
        first = self.statsn or 0
        for statsn in self.unfinished:
            if before(statsn, first):
                first = statsn
        return first

    def send(self, bhs, data=b''):
        bhs[5:8] = struct.pack('>I', len(data))[1:]
        out = bytes(bhs)
        if self.header_digest:
            out += crc32c(out)
        if data:
            padded = data + bytes(-len(data) % 4)
            out += padded
            if self.data_digest:
                out += crc32c(padded)
        try:
            self.socket.settimeout(settings.timeout)
            self.socket.sendall(out)
        except OSError as error:
            raise Lost(str(error))

    def take(self, count, deadline):
        while len(self.buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                if broken('patient'):
                    deadline += 3600
                    continue
                raise Lost('nothing came in time')
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(262144)
            except socket.timeout:
                continue
            except OSError as error:
                raise Lost(str(error))
            if not more:
                raise Lost('closed by the target')
            self.buffer += more
            if len(self.buffer) < count and broken('whole-reads'):
                raise Failed('a part of a PDU')
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def ready(self, seconds):
        return bool(ready([self], seconds))

    def receive(self, limit, deadline, recovers=False):
        bhs = self.take(48, deadline)
        if self.header_digest:
            digest = self.take(4, deadline)
            require(digest == crc32c(bhs), 'header digest')
        length = int.from_bytes(bhs[5:8], 'big')
        require(length <= limit, 'data segment of %d bytes' % length)
        require(bhs[4] == 0, 'AHS')
        padded = self.take(length + -length % 4, deadline) if length else b''
        pdu = Pdu(bhs, padded[:length])
        pdu.connection = self
        if length and self.data_digest:
            digest = self.take(4, deadline)
            pdu.spoilt = digest != crc32c(padded)
            require(not pdu.spoilt or recovers, 'data digest')
        if broken('one-a-read'):
            self.buffer = b''
        return pdu


def ready(connections, seconds):
    """Those that have something to read, waiting no longer than that for the first."""
    full = [connection for connection in connections if len(connection.buffer) >= 48]
    if full:
        return full
    readable, _, _ = select.select([c.socket for c in connections], [], [], max(seconds, 0))
    return [connection for connection in connections if connection.socket in readable]


def split_portal(portal):
    portal = portal.split(',')[0]
    if portal.startswith('['):
        host, _, port = portal[1:].partition(']')
        port = port.lstrip(':') or '3260'
    else:
        host, colon, port = portal.rpartition(':')
        if not colon:
            host, port = portal, '3260'
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or ':' in host and '[' not in portal:
        raise Failed('no address: ' + portal)
    return host, int(port)
