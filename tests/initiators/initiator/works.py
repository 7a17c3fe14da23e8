"""What {work} stands for: reading, writing, and waiting."""
import struct
import time

from .common import BLOCK, NONE, Failed, Lost, Violation, WrongData, broken, odd, pattern, settings


def cdb10(opcode, lba, blocks):
    return struct.pack('>BBIBHB', opcode, 0, lba, 0, blocks, 0)


def write(session, lba, length, seed):
    session.run(cdb10(0x2A, lba, length // BLOCK), data=pattern(length, seed))


def read(session, lba, length, seed):
    got = session.run(cdb10(0x28, lba, length // BLOCK), read=length)
    if got != pattern(length, seed) and not broken('does-not-compare'):
        raise WrongData('lba %d' % lba)


def do_login(session):
    inquiry = bytes([0x12, 0, 0, 0, 36, 0])
    task = session.start(inquiry, read=36)
    try:
        session.wait(task)
    except (Violation, Lost) as error:
        session.recover(error)
        session.run(inquiry, read=36)
    if broken('attention-first'):
        raise Failed('INQUIRY without a unit attention')


def do_read(session):
    for i in range(4):
        write(session, i * 128, 65536, i + 1)
    for i in range(4):
        read(session, i * 128, 65536, i + 1)


def do_write(session):
    write(session, 0, 4096, 1)
    write(session, 8, 4096, 2)
    read(session, 0, 4096, 1)
    read(session, 8, 4096, 2)


def do_big(session):
    most = 1048576
    page = session.run(bytes([0x12, 1, 0xB0, 0, 64, 0]), read=64)
    blocks = struct.unpack_from('>I', page, 8)[0] if len(page) >= 12 else 0
    if blocks and not broken('ignores-limits'):
        most = min(most, blocks * BLOCK)
    for at in range(0, 1048576, most):
        write(session, at // BLOCK, most, at // most + 1)
    for at in range(0, 1048576, most):
        read(session, at // BLOCK, most, at // most + 1)


def do_parallel(session):
    for opcode in (0x2A, 0x28):
        todo = list(range(32))
        running, tries = {}, 0
        while todo or running:
            try:
                while todo and (session.room() and len(running) < 32):
                    i = todo.pop()
                    running[i] = session.start(cdb10(opcode, i * 8, 8), data=pattern(4096, i) if opcode == 0x2A else b'',
                                               read=4096 if opcode == 0x28 else 0)
                if not all(task.done for task in running.values()):
                    session.serve_one(time.monotonic() + settings.timeout)
            except (Violation, Lost) as error:
                tries += 1
                if tries > 4 or broken('gives-up'):
                    raise Failed(str(error))
                session.recover(error)
                todo, running = todo + list(running), {}
                continue
            for i, task in list(running.items()):
                if not task.done:
                    continue
                del running[i]
                what = session.verdict(task)
                if what == 'failed':
                    raise Failed('status %02x' % task.status)
                if what == 'again':
                    tries += 1
                    if tries > 200 and not broken('hot') and not broken('retries-all'):
                        raise Failed('again and again')
                    time.sleep(0 if broken('hot') else 0.01)
                    todo.append(i)
                elif opcode == 0x28 and bytes(task.got) != pattern(4096, i):
                    raise WrongData(str(i))


def do_loop(session):
    end = time.monotonic() + 3
    i = 0
    while time.monotonic() < end:
        write(session, 0, 4096, i)
        read(session, 0, 4096, i)
        time.sleep(0.02)
        i += 1


def do_two(session):
    session.add_another()
    if len(session.connections) < 2:
        print('one connection')
    do_write(session)
    do_parallel(session)
    do_write(session)


def serve(session, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if session.connection.ready(end - time.monotonic()):
            session.serve_one(time.monotonic() + settings.timeout)


def do_idle(session):
    session.run(bytes(6))
    try:
        serve(session, 1.2)
    except (Violation, Lost) as error:
        session.recover(error)
    do_write(session)


def do_ping(session):
    for _ in range(1000 if broken('hot') else 3):
        itt = session.next_itt()
        data = b'\x5a' * 64
        try:
            session.send(0x00, 0x80, itt, data, immediate=True)
            end = time.monotonic() + settings.timeout
            while itt not in session.pongs:
                session.serve_one(end)
            if session.pongs[itt] != data:
                odd()
                raise Failed('another echo')
            break
        except Violation as error:
            session.recover(error)
        except Lost as error:
            if broken('patient'):
                time.sleep(3600)
            session.recover(error)
    do_write(session)


# ---- task management -------------------------------------------------------------------------------

def serve_until(session, condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        if session.connection.ready(end - time.monotonic()):
            session.serve_one(time.monotonic() + settings.timeout)


def manage(session, functions):
    task = session.start(cdb10(0x28, 0, 8), read=4096)
    try:
        serve_until(session, lambda: task.done, 0.3)
        for function in functions:
            if task.done:
                break
            for _ in range(50 if broken('hot') else 1):
                response = ask_tmf(session, function, task)
                if task.done:
                    odd()
                if response in (0, 1) and broken('abort-is-failure'):
                    raise Failed('aborted')
                if response == 1 and broken('waits-for-status'):
                    time.sleep(3600)
                if response is None or response in (0, 1):
                    break
            if response in (0, 1) or response is None and broken('gives-up'):
                break
            if broken('tolerant'):
                break
            if broken('hang'):
                odd()
        else:
            session.recover('no function helped')
    except (Violation, Lost) as error:
        session.recover(error)
    session.tasks.pop(task.itt, None)
    do_write(session)


def ask_tmf(session, function, task):
    itt = session.next_itt()
    rest = struct.pack('>I', task.cmdsn if function == 1 else 0)
    if broken('wrong-refcmdsn'):
        rest = struct.pack('>I', task.cmdsn + 7)
    session.send(0x02, 0x80 | function, itt, ttt=task.itt if function == 1 else NONE,
                 immediate=not broken('tmf-not-immediate'), rest=rest)
    try:
        answer = session.wait_answer(itt)
    except Lost as error:
        if str(error) != 'nothing came in time':
            raise
        if broken('patient'):
            time.sleep(3600)
        return None
    except Violation:
        if not broken('hot'):
            raise
        return 5
    if task.done and broken('no-status-now'):
        raise Violation('a status in the middle of task management')
    return answer.bhs[2]


def do_abort(session):
    manage(session, [1, 5])


def do_reset(session):
    manage(session, [5, 7])


# ---- other commands --------------------------------------------------------------------------------

def do_prefetch(session):
    session.run(cdb10(0x34, 0, 8))


def do_unmap(session):
    session.run(struct.pack('>BB', 0x42, 0) + bytes(5) + struct.pack('>HB', 24, 0),
                data=struct.pack('>HHIQII', 22, 16, 0, 64, 8, 0))
    session.run(cdb10(0x41, 128, 8), data=b'\x01' * BLOCK)


def do_flush(session):
    write(session, 0, 4096, 1)
    session.run(cdb10(0x35, 0, 0))


def do_extents(session):
    try:
        session.run(bytes([0x9E, 0x12]) + bytes(8) + struct.pack('>I', 256) + bytes(2), read=256)
    except Failed:
        if broken('fussy'):
            raise
    do_write(session)
