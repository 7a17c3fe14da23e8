"""What all parts of the scripted initiator share."""
import ctypes
import functools
import os
import struct
import sys
import time

NONE = 0xFFFFFFFF
BLOCK = 512
PAUSE = 0.25            # between two attempts
COMMAND_TRIES = 8
HOPS = 5
AGAIN = 0x100           # no SCSI status: the task has to be started anew


class Settings:
    options = None
    timeout = login_timeout = 2.0       # for an answer
    patience = None     # for that to a command, behind the first two
    login_tries = 6


settings = Settings()


def broken(name):
    """Is this the way to err?"""
    return settings.options.broken == name


class Violation(Exception):
    """The target broke a rule: the connection is closed."""


class Lost(Exception):
    """The connection is gone."""


class Failed(Exception):
    """For good, and the user is told."""


class WrongData(Exception):
    pass


class LoginRefused(Exception):
    def __init__(self, status, address):
        super().__init__('login status %04x' % status)
        self.status, self.address = status, address


def odd():
    """Something unusual came, whatever it is."""
    if broken('crash'):
        sys.stderr.flush()
        os.abort()
    if broken('hang'):
        time.sleep(3600)


def require(condition, why):
    if condition:
        return
    odd()
    if not broken('tolerant'):
        raise Violation(why)


@functools.lru_cache(maxsize=None)
def crc_library():
    """isa-l, which the target has as well: a MiB takes Python itself half a second."""
    library = ctypes.CDLL('libisal.so.2')
    library.crc32_iscsi.restype = ctypes.c_uint32
    library.crc32_iscsi.argtypes = ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32
    return library


def crc32c(data):
    return struct.pack('<I', crc_library().crc32_iscsi(bytes(data), len(data), 0xFFFFFFFF) ^ 0xFFFFFFFF)


def before(a, b):
    """RFC 1982."""
    return 0 < (b - a) & 0xFFFFFFFF < 0x80000000


def pattern(length, seed):
    row = bytes(range(256)) * 3
    return b''.join(row[(seed * 31 + i * 7 & 0xFF):][:BLOCK] for i in range(length // BLOCK))
