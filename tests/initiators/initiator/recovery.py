"""What becomes of a session when something got lost: levels 0, 1 and 2."""
import struct
import time

from .common import AGAIN, NONE, Failed, LoginRefused, Lost, Violation, before, broken, require
from .wire import ready

SNACK_DATA, SNACK_STATUS, SNACK_ACK = 0, 1, 2
LATE = 0.5      # seconds without an answer until something is asked for once more


class Recovery:
    # -- level 0: a new session

    def recover(self, error):
        """The tasks of the old session are gone."""
        two = len(self.connections) > 1
        self.close()
        self.tasks.clear()
        self.answers.clear()
        if broken('no-relogin'):
            raise Failed(str(error))
        time.sleep(0.02)
        self.login()
        if two:
            self.add_another()

    def add_another(self):
        """A second connection, if there may be one."""
        if int(self.result['MaxConnections']) < 2:
            return
        try:
            self.add_connection(1)
        except (LoginRefused, Lost, Violation) as error:
            print('one connection only: %s' % error)
            if broken('needs-two'):
                raise Failed(str(error))

    def leave(self, connection):
        """One of several connections is closed in good order."""
        itt = self.next_itt()
        self.send(0x06, 0x80 | 1, itt, ttt=connection.cid << 16, immediate=True, connection=connection)
        self.wait_answer(itt)
        connection.close()
        self.connections.remove(connection)
        self.connection = self.connections[0]
        for task in self.tasks.values():
            if task.connection is connection and not task.done:
                task.status, task.done = AGAIN, True

    def abort_fast(self, pdu):
        """Event 5 where it was agreed on: the tasks of the LUN are over, and the target is told so."""
        for task in self.tasks.values():
            task.status, task.done = AGAIN, True
        if not broken('keeps-quiet'):
            self.send(0x00, 0x80, NONE, lun=pdu.lun, immediate=True, connection=pdu.connection)

    # -- level 1: what is missing is asked for

    def snack(self, kind, connection, itt=NONE, ttt=NONE, first=0, count=0, lun=0):
        if broken('no-snack'):
            return
        if broken('wrong-snack'):
            first += 1
        bhs = bytearray(48)
        bhs[0], bhs[1] = 0x10, 0x80 | kind
        struct.pack_into('>QII', bhs, 8, lun, itt, ttt)
        struct.pack_into('>I', bhs, 28, connection.expstatsn())
        struct.pack_into('>II', bhs, 40, first, count)
        connection.send(bhs)

    def is_held_back(self, pdu):
        """A PDU that cannot be used yet, or not at all."""
        connection = pdu.connection
        if pdu.spoilt and broken('takes-spoilt'):
            pdu.spoilt = False
        if pdu.spoilt and pdu.opcode == 0x25:
            self.snack(SNACK_DATA, connection, itt=pdu.itt, first=pdu.datasn, count=1)
            return True
        if pdu.spoilt:
            self.snack(SNACK_STATUS, connection, first=pdu.statsn, count=1)
            return True
        if pdu.counts() and before(pdu.statsn, connection.statsn):
            pdu.counted = True
            return pdu.opcode != 0x25
        if not before(connection.statsn, pdu.statsn):
            return False
        if pdu.opcode in (0x31, 0x25) and not pdu.counts():
            return False
        if connection.statsn not in connection.asked:
            connection.asked.add(connection.statsn)
            self.snack(SNACK_STATUS, connection, first=connection.statsn,
                       count=pdu.statsn - connection.statsn & 0xFFFFFFFF)
        if pdu.counts():
            connection.held[pdu.statsn] = pdu
        return pdu.counts()

    def is_early(self, task, pdu):
        """Data-In behind a gap waits for what is missing; one that came before is not needed."""
        if pdu.datasn == task.datasn or broken('no-snack'):
            return False
        if before(pdu.datasn, task.datasn):
            return True
        if pdu.flags & 1:
            pdu.connection.unfinished.add(pdu.statsn)
        task.early[pdu.datasn] = pdu
        if pdu.flags & 0x40 and broken('acks-holes'):
            self.acknowledge(task, pdu)
        self.ask_for_data(task, pdu.connection, pdu.datasn - task.datasn)
        return True

    def ask_for_data(self, task, connection, count):
        if task.datasn not in task.asked:
            task.asked.add(task.datasn)
            self.snack(SNACK_DATA, connection, itt=task.itt, first=task.datasn, count=count)

    def acknowledge(self, task, pdu):
        if broken('no-dataack'):
            return
        task.acknowledged = task.datasn
        self.snack(SNACK_ACK, pdu.connection, ttt=pdu.ttt, first=task.datasn, lun=pdu.lun)

    def after_data_in(self, task, pdu):
        if pdu.flags & 0x40:
            self.acknowledge(task, pdu)
            if broken('asks-again'):
                self.snack(SNACK_DATA, pdu.connection, itt=task.itt, first=0, count=1)
        if pdu.flags & 1:
            pdu.connection.unfinished.discard(pdu.statsn)
        if task.datasn in task.early:
            self.on_data_in(task.early.pop(task.datasn))
        elif task.status_pdu is not None and task.datasn == task.status_pdu.datasn:
            status = task.status_pdu
            status.connection.unfinished.discard(status.statsn)
            self.finish(task, status, status.bhs[3], b'')

    def is_status_early(self, task, pdu):
        """A SCSI Response that speaks of data that did not come."""
        if not task.read or not before(task.datasn, pdu.datasn) or broken('no-snack'):
            return False
        task.status_pdu = pdu
        pdu.connection.unfinished.add(pdu.statsn)
        self.ask_for_data(task, pdu.connection, pdu.datasn - task.datasn)
        return True

    def is_r2t_strange(self, task, pdu):
        """One that came before, or one behind a gap: the missing ones come once more, and so will this."""
        if task.r2tsn is None:      # after TASK REASSIGN
            task.r2tsn, task.limit = pdu.datasn, pdu.offset
        if pdu.datasn == task.r2tsn or broken('no-snack'):
            return False
        if before(task.r2tsn, pdu.datasn) and task.r2tsn not in task.asked:
            task.asked.add(task.r2tsn)
            self.snack(SNACK_DATA, pdu.connection, itt=task.itt, first=task.r2tsn)
        return True

    def ask_when_late(self, task):
        """A write for which no R2T comes asks for those that may have been lost."""
        if not task.data or 'late' in task.asked or not self.is_silent(LATE):
            return
        task.asked.add('late')
        if not task.done and task.r2tsn is not None:
            self.snack(SNACK_DATA, task.connection, itt=task.itt, first=task.r2tsn)

    def is_silent(self, seconds):
        return not ready(self.connections, seconds)

    # -- level 2: tasks move to another connection

    def reassign(self, error):
        """True: the tasks of the lost connection go on, on one that took its place."""
        lost = self.connection
        if self.erl < 2 or len(self.connections) != 1 or self.logged_out or broken('no-reassign'):
            return False
        lost.close()
        time.sleep(int(self.result['DefaultTime2Wait']))
        try:
            self.add_connection(lost.cid)
            for task in list(self.tasks.values()):
                self.move(task)
        except (LoginRefused, Lost, Violation):
            return False
        return True

    def move(self, task):
        for _ in range(1000 if broken('hot') else 1):
            itt = self.next_itt()
            expected = task.datasn if task.read else 0
            self.send(0x02, 0x80 | 8, itt, ttt=task.itt, immediate=not broken('late-reassign'),
                      rest=struct.pack('>II', task.cmdsn, expected))
            answer = self.wait_answer(itt)
            if answer.bhs[2] == 0:
                break
        require(answer.bhs[2] == 0 or broken('hot'), 'the task cannot move')
        task.connection = self.connection
        task.r2tsn = None
