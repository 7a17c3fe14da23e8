"""Full feature phase: commands, data, and what else comes."""
import os
import struct
import time

from .common import AGAIN, COMMAND_TRIES, NONE, Failed, Lost, Violation, before, broken, odd, require, settings
from .login import OUR_MRDSL, Login
from .recovery import Recovery
from .wire import ready


class Task:
    def __init__(self, itt, cmdsn, cdb, data=b'', read=0):
        self.itt, self.cmdsn, self.cdb, self.data, self.read = itt, cmdsn, cdb, data, read
        self.got = bytearray(read)
        self.received, self.datasn, self.r2tsn = 0, 0, 0
        self.done, self.status, self.sense, self.residual = False, None, b'', 0
        self.limit = 0          # offsets of R2Ts go on from here
        self.connection = None
        self.early = {}         # by DataSN: Data-In that came behind a gap
        self.asked = set()      # DataSNs and R2TSNs that were asked for once more
        self.acknowledged = 0   # Data-In by DataACK
        self.status_pdu = None  # that waits for data


class Session(Login, Recovery):
    def __init__(self, discovery=False):
        self.discovery = discovery
        self.isid = bytes([0x80, 0, 0, 0x12]) + os.urandom(2)
        self.portal = settings.options.portal
        self.connection, self.connections, self.turn = None, [], 0
        self.tasks = {}
        self.itt = 1
        self.pongs, self.answers = {}, {}
        self.wait_until = 0
        self.logged_out = False

    # -- requests

    def send(self, opcode, flags, itt, data=b'', ttt=NONE, lun=0, immediate=False, rest=b'', at=32, connection=None):
        connection = connection or self.connection
        bhs = bytearray(48)
        bhs[0] = opcode | (0x40 if immediate else 0)
        bhs[1] = flags
        cmdsn = self.cmdsn
        if broken('own-cmdsn') and connection.cid:
            cmdsn = self.cmdsn + 1000 & 0xFFFFFFFF
        struct.pack_into('>QII', bhs, 8, lun, itt, ttt)
        struct.pack_into('>II', bhs, 24, cmdsn, connection.expstatsn())
        if broken('shared-statsn'):
            struct.pack_into('>I', bhs, 28, self.connections[0].statsn)
        bhs[at:at + len(rest)] = rest
        if not immediate:
            if self.cmdsn == 0xFFFFFFFF and broken('no-wrap'):
                raise Failed('CmdSN wraps')
            self.cmdsn = self.cmdsn + 1 & 0xFFFFFFFF
        connection.send(bhs, data)

    def next_itt(self):
        self.itt += 1
        return self.itt

    def room(self):
        return broken('ignores-window') or not before(self.maxcmdsn, self.cmdsn)

    def start(self, cdb, data=b'', read=0, itt=None):
        deadline = time.monotonic() + 2 * settings.timeout
        while not self.room():
            self.serve_one(deadline)
        task = Task(itt or self.next_itt(), self.cmdsn, cdb, data, read)
        task.connection = self.connections[self.turn % len(self.connections)]
        self.turn += 1
        self.tasks[task.itt] = task
        mrdsl = task.connection.mrdsl
        first = int(self.result['FirstBurstLength'])
        burst = min(len(data), first)
        immediate = min(burst, mrdsl) if self.result['ImmediateData'] == 'Yes' else 0
        more = burst - immediate if self.result['InitialR2T'] == 'No' else 0
        if broken('never-stops') and data:
            more = len(data) - immediate
        flags = (0 if more else 0x80) | (0x20 if data else 0) | (0x40 if read else 0) | 1
        task.limit = immediate + more
        self.send(0x01, flags, task.itt, data[:immediate], ttt=len(data) or read,
                  rest=bytes(cdb) + bytes(16 - len(cdb)), connection=task.connection)
        if more:
            self.data_out(task, NONE, immediate, more)
        return task

    def data_out(self, task, ttt, offset, length, lun=0):
        datasn, end = 0, offset + length
        size = min(task.connection.mrdsl, 262144)
        while offset < end or length == 0:
            part = task.data[offset:min(offset + size, end)]
            if broken('tolerant'):
                part = part or bytes(min(size, end - offset))
            last = offset + len(part) >= end or not part
            bhs = bytearray(48)
            bhs[0], bhs[1] = 0x05, 0x80 if last and not broken('no-final') else 0
            struct.pack_into('>QII', bhs, 8, lun, task.itt, ttt)
            struct.pack_into('>I', bhs, 28, task.connection.expstatsn())
            struct.pack_into('>II', bhs, 36, datasn + (1 if broken('data-sn') else 0), offset)
            task.connection.send(bhs, part)
            datasn, offset = datasn + 1, offset + len(part)
            if not part:
                break

    # -- what comes

    def next_connection(self, deadline):
        if len(self.connections) == 1:
            return self.connections[0]
        found = ready(self.connections, deadline - time.monotonic())
        if not found:
            raise Lost('nothing came in time')
        return found[0]

    def serve_one(self, deadline):
        connection = self.next_connection(deadline)
        pdu = connection.receive(OUR_MRDSL, deadline, recovers=self.erl > 0)
        if self.erl > 0 and self.is_held_back(pdu):
            return
        self.take_window(pdu)
        self.handle(pdu)
        while self.erl > 0 and connection.statsn in connection.held:
            self.handle(connection.held.pop(connection.statsn))

    def take_window(self, pdu):
        if not before(pdu.maxcmdsn, pdu.expcmdsn - 1 & 0xFFFFFFFF):
            if before(self.maxcmdsn, pdu.maxcmdsn) or broken('window-moves-back'):
                self.maxcmdsn = pdu.maxcmdsn
            if before(self.expcmdsn, pdu.expcmdsn) and not before(self.cmdsn, pdu.expcmdsn):
                self.expcmdsn = pdu.expcmdsn
        elif broken('takes-bad-window'):
            self.maxcmdsn = pdu.maxcmdsn
        if before(self.cmdsn, pdu.expcmdsn) and broken('follows-expcmdsn'):
            self.cmdsn = pdu.expcmdsn
        if (self.maxcmdsn - self.cmdsn) & 0xFFFFFFFF in range(64, 1 << 30) and broken('small-window'):
            raise Failed('a window of so many')

    def handle(self, pdu):
        handler = {0x20: self.on_nop_in, 0x21: self.on_response, 0x22: self.on_answer, 0x24: self.on_answer,
                   0x25: self.on_data_in, 0x26: self.on_answer, 0x31: self.on_r2t, 0x32: self.on_async,
                   0x3F: self.on_reject}.get(pdu.opcode)
        require(handler is not None, 'opcode %02x' % pdu.opcode)
        if handler:
            handler(pdu)

    def status(self, pdu):
        connection = pdu.connection
        if pdu.counted:
            return
        pdu.counted = True
        require(pdu.statsn == connection.statsn, 'StatSN %x instead of %x' % (pdu.statsn, connection.statsn))
        connection.statsn = (pdu.statsn if broken('tolerant') else connection.statsn) + 1 & 0xFFFFFFFF

    def on_nop_in(self, pdu):
        if pdu.itt != NONE:
            self.status(pdu)
            require(pdu.ttt == NONE, 'both tags')
            if pdu.itt not in self.pongs:
                odd()
            self.pongs[pdu.itt] = pdu.data
            if pdu.ttt == NONE:
                return
        if len(pdu.data):
            odd()
        if pdu.ttt == NONE and not broken('answers-all') or broken('mute'):
            return
        if broken('statsn-by-ping'):
            pdu.connection.statsn = pdu.statsn + 1 & 0xFFFFFFFF
        self.send(0x00, 0x80, NONE, ttt=pdu.ttt, lun=pdu.lun, immediate=True, connection=pdu.connection)

    def task_of(self, pdu):
        task = self.tasks.get(pdu.itt)
        if task is None or task.done:
            odd()
            if not broken('any-task'):
                return None
            # Whatever comes is for the task at hand.
            task = next((task for task in self.tasks.values() if not task.done), None)
            if task is not None and pdu.opcode == 0x25:
                task.got[pdu.offset:pdu.offset + len(pdu.data)] = pdu.data[:task.read]
                task.status, task.done, task.received = 0, True, task.read
                return None
            if task is not None and pdu.opcode == 0x21:
                task.status, task.done, task.received = 0, True, task.read
                return None
        return task

    def on_data_in(self, pdu):
        task = self.task_of(pdu)
        if pdu.flags & 1:
            self.status(pdu)
        if task is None:
            return
        require(task.read > 0, 'Data-In for a write')
        if self.erl > 0 and self.is_early(task, pdu):
            return
        if broken('counts-twice') and pdu.datasn < task.datasn:
            pdu.datasn, pdu.offset = task.datasn, task.received
        require(pdu.datasn == task.datasn, 'DataSN')
        require(pdu.offset == task.received, 'Buffer Offset')
        require(pdu.offset + len(pdu.data) <= task.read or broken('counts-twice'), 'too much data')
        if pdu.flags & 0x40 and broken('a-bit'):
            raise Violation('A bit')
        if broken('no-empty'):
            require(len(pdu.data) > 0, 'empty Data-In')
        if pdu.flags & 1 and not pdu.flags & 0x80:
            if broken('waits-for-f'):
                time.sleep(3600)
            require(False, 'S without F')
        task.datasn += 1
        if pdu.offset + len(pdu.data) <= task.read:
            task.got[pdu.offset:pdu.offset + len(pdu.data)] = pdu.data
        task.received += len(pdu.data)
        if pdu.flags & 1 and not broken('no-collapse'):
            self.finish(task, pdu, pdu.bhs[3], b'')
        if self.erl > 0:
            self.after_data_in(task, pdu)

    def on_response(self, pdu):
        self.status(pdu)
        task = self.task_of(pdu)
        if task is None:
            return
        sense = b''
        if len(pdu.data) >= 2:
            length = struct.unpack_from('>H', pdu.data)[0]
            sense = pdu.data[2:2 + length]
            if length > len(pdu.data) - 2:
                odd()
        if pdu.bhs[2] != 0:
            odd()
            if not broken('tolerant'):
                task.status, task.done = 0xFF, True
                return
        if pdu.bhs[3] == 0:
            if self.erl > 0 and self.is_status_early(task, pdu):
                return
            require(pdu.datasn == task.datasn, 'ExpDataSN')
        if pdu.data and pdu.bhs[3] == 0:
            odd()
        if pdu.flags & 0x18 and broken('takes-bidi'):
            pdu.residual, pdu.flags = struct.unpack_from('>I', pdu.bhs, 40)[0], pdu.flags | 2
        self.finish(task, pdu, pdu.bhs[3], sense)

    def finish(self, task, pdu, status, sense):
        o, u = pdu.flags & 4, pdu.flags & 2
        require(not (o and u), 'O and U')
        require(not u or pdu.residual <= (task.read or len(task.data)), 'residual')
        if status == 0 and task.read and not o and not broken('counts-twice'):
            require(task.received + (pdu.residual if u else 0) == task.read, 'data is missing')
        task.residual = pdu.residual if o or u else 0
        task.status, task.sense, task.done = status, sense, True

    def on_r2t(self, pdu):
        task = self.tasks.get(pdu.itt)
        length = pdu.residual
        if task is None or task.done:
            odd()
            if not broken('tolerant'):
                return
            task = Task(pdu.itt, 0, b'', bytes(65536))
            task.connection = pdu.connection
        require(bool(task.data), 'R2T for a read')
        if self.erl > 0 and self.is_r2t_strange(task, pdu):
            return
        require(pdu.datasn == task.r2tsn, 'R2TSN')
        require(length > 0, 'length 0')
        require(pdu.offset + length <= len(task.data), 'beyond the data')
        require(length <= int(self.result['MaxBurstLength']), 'more than a burst')
        require(pdu.ttt != NONE, 'TTT')
        require(pdu.lun == 0, 'LUN')
        if self.result['DataSequenceInOrder'] == 'Yes':
            require(pdu.offset >= task.limit, 'offset goes back')
            task.limit = pdu.offset + length
        task.r2tsn += 1
        if broken('half-r2t'):
            length = max(length // 2, 1)
        offset = pdu.offset
        if broken('in-order') and offset > task.limit:
            offset, task.limit = task.limit, task.limit + length
        self.data_out(task, pdu.ttt, offset, length, pdu.lun)

    def on_reject(self, pdu):
        self.status(pdu)
        odd()
        if broken('reject-is-good'):
            for task in self.tasks.values():
                task.status, task.done, task.received = 0, True, task.read
            return
        raise Violation('Reject %02x' % pdu.bhs[2])

    def on_async(self, pdu):
        self.status(pdu)
        event = pdu.bhs[36]
        p2, p3 = struct.unpack_from('>HH', pdu.bhs, 40)
        if pdu.itt in self.tasks and broken('completes-by-async'):
            task = self.tasks[pdu.itt]
            task.status, task.done, task.received = 0, True, task.read
            return
        require(pdu.itt == NONE, 'Async Message with a tag')
        if event == 5 and self.result.get('TaskReporting') == 'FastAbort' and not broken('deaf-to-async'):
            self.abort_fast(pdu)
            return
        if event == 5 and broken('gives-up-tasks'):
            for task in self.tasks.values():
                task.status, task.done, task.received = 0, True, task.read
            return
        if event in (0, 5) or event >= 248:
            odd()
            return
        require(event in (1, 2, 3, 4), 'event %d' % event)
        if broken('deaf-to-async') or broken('tolerant'):
            return
        if event == 1 and len(self.connections) > 1:
            self.leave(pdu.connection)
            return
        if event in (1, 4):
            self.logout()
            raise Lost('asked to log out')
        self.wait_until = time.monotonic() + p2
        if broken('hasty'):
            self.wait_until = 0
        self.close()
        raise Lost('dropped')

    def on_answer(self, pdu):
        self.status(pdu)
        self.answers[pdu.itt] = pdu

    def wait_answer(self, itt):
        deadline = time.monotonic() + settings.timeout
        while itt not in self.answers:
            self.serve_one(deadline)
        return self.answers.pop(itt)

    def logout(self):
        itt = self.next_itt()
        self.send(0x06, 0x80, itt, ttt=0, immediate=True)
        self.logged_out = True
        try:
            answer = self.wait_answer(itt)
            if answer.bhs[2] != 0:
                odd()
                while broken('logs-out-for-ever'):
                    self.send(0x06, 0x80, self.next_itt(), ttt=0, immediate=True)
                    time.sleep(0.02)
            wait, = struct.unpack_from('>H', answer.bhs, 40)
            self.wait_until = 0 if broken('hasty') else time.monotonic() + wait
        except Lost:
            odd()
            if broken('logs-out-for-ever'):
                self.recover('no answer')
                self.logout()
        except Violation:
            pass
        if broken('stays'):
            time.sleep(3600)
        self.close()

    def close(self):
        for connection in self.connections or [self.connection]:
            if connection:
                connection.close()

    # -- commands

    def wait(self, task):
        patience = settings.patience if settings.patience and task.itt > 3 else settings.timeout
        deadline = time.monotonic() + patience
        while not task.done:
            if self.erl > 0:
                self.ask_when_late(task)
            self.serve_one(deadline)
        self.tasks.pop(task.itt, None)

    def verdict(self, task):
        """good, again, failed"""
        if task.status == AGAIN:
            return 'again'
        key = task.sense[1] if task.sense[:1] in (b'\x72', b'\x73') and len(task.sense) > 1 else \
            task.sense[2] if len(task.sense) > 2 else 0
        key &= 0x0F
        code = tuple(task.sense[12:14]) if len(task.sense) > 13 else (0, 0)
        if task.status == 4 and broken('no-met'):
            return 'failed'
        if task.status in (0, 4):
            return 'good'
        if broken('panics'):
            os.abort()
        if broken('all-is-well'):
            return 'good'
        if task.status == 2 and key == 1:
            return 'failed' if broken('fussy') else 'good'
        if broken('retries-all'):
            return 'again'
        if broken('no-retry'):
            return 'failed'
        if task.status in (0x08, 0x28):
            return 'again'
        if task.status == 2 and (key == 6 or key == 0xB and code[0] != 0x10 or key == 2 and code == (4, 1)):
            return 'again'
        return 'failed'

    def attempt(self, cdb, data, read):
        """One task, which may outlive its connection."""
        task = self.start(cdb, data, read)
        while True:
            try:
                self.wait(task)
                return task
            except Lost as error:
                if not self.reassign(error):
                    raise

    def run(self, cdb, data=b'', read=0):
        tries = limit = 0
        while True:
            limit += 1
            if limit > COMMAND_TRIES and not broken('hot') and not broken('retries-all'):
                raise Failed('tried %d times' % COMMAND_TRIES)
            try:
                task = self.attempt(cdb, data, read)
            except (Violation, Lost) as error:
                if broken('sulks'):
                    time.sleep(3600)
                if broken('changed-retry') and str(error) == 'nothing came in time' and not tries:
                    tries += 1
                    late = list(self.tasks.values())[-1]
                    self.cmdsn = late.cmdsn
                    self.start(struct.pack('>BBIBHB', 0x28, 0, 64, 0, 8, 0), read=4096, itt=late.itt)
                if broken('gives-up') or settings.patience:
                    raise Failed(str(error))
                tries += 1
                if tries > 4 and not broken('hot'):
                    raise Failed(str(error))
                self.recover(error)
                continue
            what = self.verdict(task)
            if what == 'again':
                if not broken('hot') and not broken('retries-all'):
                    time.sleep(0.03)
                continue
            if what == 'failed':
                raise Failed('status %02x sense %s' % (task.status, task.sense.hex()))
            if task.residual and not broken('all-is-well') and not broken('tolerant') and cdb[0] in (0x28, 0x2A):
                raise Failed('residual %d' % task.residual)
            return bytes(task.got[:task.received])
