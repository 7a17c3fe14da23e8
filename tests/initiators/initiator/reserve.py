"""Persistent reservations."""
import struct

from .common import Failed, broken, odd, settings
from .works import do_write

KEY = 0x1234
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, IGNORE, MOVE = 0, 1, 2, 3, 4, 6, 7
READ_KEYS, READ_RESERVATION, CAPABILITIES, FULL_STATUS = 0, 1, 2, 3
WRITE_EXCLUSIVE = 1
READS = 4       # of the list of keys, until it counts as endless


def pr_out(session, action, kind, key, service_key, more=bytes(8)):
    data = struct.pack('>QQ', key, service_key) + more
    session.run(struct.pack('>BBBxxIx', 0x5F, action, kind, len(data)), data=data)


def pr_in(session, action):
    return session.run(bytes([0x5E, action, 0, 0, 0, 0, 0, 16, 0, 0]), read=4096)


def read_keys(session):
    """(PRGENERATION, keys), read again while it is not all of the list."""
    reads = 0
    while True:
        got = pr_in(session, READ_KEYS)
        reads += 1
        length = struct.unpack_from('>I', got, 4)[0] if len(got) >= 8 else 0
        if length + 8 <= len(got) or broken('believes-list') or broken('counts-by-header'):
            break
        if reads == READS and not broken('hot'):
            raise Failed('the list of keys is never whole')
    if broken('counts-by-header'):
        got = got + bytes(max(8 + length - len(got), 0))
    keys = [got[i:i + 8] for i in range(8, len(got) - 7, 8)]
    if broken('drops-doubles'):
        keys = list(set(keys))
    return struct.unpack_from('>I', got)[0] if len(got) >= 4 else 0, keys


def ask_what_it_can(session):
    for action in (CAPABILITIES, FULL_STATUS):
        try:
            got = pr_in(session, action)
            if action == CAPABILITIES and not got[3] & 0x80 and broken('needs-mask'):
                raise Failed('no mask')
        except Failed:
            if broken('fussy') or broken('needs-mask'):
                raise


def preempt(session):
    try:
        pr_out(session, PREEMPT, WRITE_EXCLUSIVE, KEY, 0)
    except Failed:
        if broken('preempts-again'):
            pr_out(session, PREEMPT, WRITE_EXCLUSIVE, KEY, 0)
        raise


def do_reserve(session):
    pr_out(session, REGISTER, 0, 0, KEY)
    pr_out(session, RESERVE, WRITE_EXCLUSIVE, KEY, 0)
    ask_what_it_can(session)
    generation, keys = read_keys(session)
    print('keys=%d' % len(keys))
    if struct.pack('>Q', KEY) not in keys and not broken('believes-itself'):
        pr_out(session, IGNORE, 0, 0, KEY)
    pr_in(session, READ_RESERVATION)
    later, _ = read_keys(session)
    if later < generation and broken('generation-grows'):
        raise Failed('the generation went back')
    if settings.options.preempts == 'yes':
        preempt(session)
    if settings.options.moves == 'yes':
        move(session)
        return
    pr_out(session, RELEASE, WRITE_EXCLUSIVE, KEY, 0)
    if not broken('trusts-release'):
        pr_in(session, READ_RESERVATION)
    pr_out(session, REGISTER, 0, KEY, 0)
    do_write(session)


def move(session):
    """REGISTER AND MOVE to another initiator port; the reservation is not ours any more."""
    name = b'iqn.2026-11.org.example:other' + (b';i;' if broken('bad-separator') else b',i,') + b'0x800000120001\0'
    if not broken('no-padding'):
        name += bytes(-len(name) % 4)
    transport_id = struct.pack('>BBH', 0x45, 0, len(name)) + name
    pr_out(session, MOVE, 0, KEY, 0x77, struct.pack('>BBHI', 0, 0, 1, len(transport_id)) + transport_id)
    pr_out(session, REGISTER, 0, KEY, 0)
    odd()
