"""Discovery."""
from .common import NONE, Failed, Violation, broken, odd, require
from .text import parse_text


def do_text(session):
    itt = session.next_itt()
    session.send(0x04, 0x80, itt, b'SendTargets=All\0', immediate=False)
    text, rounds, refusals = b'', 0, 0
    while True:
        try:
            pdu = session.wait_answer(itt)
        except Violation as error:
            refusals += 1
            if not str(error).startswith('Reject') or refusals > 2 or broken('closes-on-reject'):
                raise
            # What was asked is forgotten, and its CmdSN is still open.
            itt, session.cmdsn = session.next_itt(), session.expcmdsn
            session.send(0x04, 0x80, itt, b'SendTargets=All\0', immediate=False)
            continue
        text += pdu.data
        final, cont = pdu.flags & 0x80, pdu.flags & 0x40
        if final and not cont:
            if pdu.ttt != NONE and broken('takes-ttt'):
                session.send(0x04, 0x80, itt, b'', ttt=pdu.ttt)
                continue
            break
        require(pdu.ttt != NONE, 'no TTT')
        rounds += 1
        if rounds > 60 and not broken('endless'):
            odd()
            raise Failed('an endless list')
        if broken('one-pdu'):
            raise Failed('more than one PDU')
        if broken('tolerant') and pdu.ttt == NONE:
            break
        session.send(0x04, 0x80, itt, b'', ttt=pdu.ttt, lun=pdu.lun)
    records(text, session, itt)


def records(text, session, itt):
    names, current = [], None
    if not text:
        odd()
        if broken('needs-targets'):
            raise Failed('no targets')
    pairs = parse_text(text, unique=False)
    if len(pairs) > 100:
        odd()
    for key, value in pairs:
        if key == 'TargetName':
            if len(value) > 223 or any(ord(c) < 0x21 for c in value):
                odd()
                if broken('prints-all'):
                    print(value)
                current = ''
                continue
            current = value
            if value not in names:
                names.append(value)
            elif broken('no-duplicates'):
                raise Failed('twice')
        elif key == 'TargetAddress':
            require(current is not None, 'an address of nothing')
            address, _, tag = value.rpartition(',')
            if not address or not tag.isdigit() or int(tag) > 65535:
                odd()
                continue
            session.found_tag = tag
            if value.startswith('[') and broken('no-ipv6'):
                raise Failed('address')
            if value.startswith('nohost') and broken('needs-dns'):
                raise Failed('name')
        else:
            if broken('answers-keys'):
                session.send(0x04, 0x80, session.next_itt(), b'MaxRecvDataSegmentLength=512\0')
            require(False, 'key in an answer: ' + key)
    if broken('needs-address') and 'TargetAddress' not in dict(pairs):
        raise Failed('no address')
    print('%d targets' % len(names))
