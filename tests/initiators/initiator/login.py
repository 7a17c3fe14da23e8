"""Login: stages, negotiation, CHAP."""
import hashlib
import os
import struct
import time

from .common import HOPS, PAUSE, Failed, LoginRefused, Lost, Violation, broken, odd, require, settings
from .text import binary, number, parse_text
from .wire import Connection, split_portal

MINIMUM, MAXIMUM, AND, OR = 'minimum', 'maximum', 'and', 'or'
KEYS = {  # function, range
    'MaxConnections': (MINIMUM, 1, 65535),
    'MaxBurstLength': (MINIMUM, 512, 16777215),
    'FirstBurstLength': (MINIMUM, 512, 16777215),
    'MaxOutstandingR2T': (MINIMUM, 1, 65535),
    'DefaultTime2Wait': (MAXIMUM, 0, 3600),
    'DefaultTime2Retain': (MINIMUM, 0, 3600),
    'ErrorRecoveryLevel': (MINIMUM, 0, 2),
    'InitialR2T': (OR,),
    'ImmediateData': (AND,),
    'DataPDUInOrder': (OR,),
    'DataSequenceInOrder': (OR,),
}
DEFAULTS = {'MaxConnections': '1', 'MaxBurstLength': '262144', 'FirstBurstLength': '65536', 'MaxOutstandingR2T': '1',
            'DefaultTime2Wait': '2', 'DefaultTime2Retain': '20', 'ErrorRecoveryLevel': '0', 'InitialR2T': 'Yes',
            'ImmediateData': 'Yes', 'DataPDUInOrder': 'Yes', 'DataSequenceInOrder': 'Yes', 'HeaderDigest': 'None',
            'DataDigest': 'None'}
OUR_MRDSL = 8192
NAME = 'iqn.2026-11.org.example:scripted'
CHALLENGES = set()      # that we have sent


class Login:
    """The part of a session that logs in."""

    heard = frozenset()
    tag = found_tag = None

    def login(self):
        hops = tries = 0
        while True:
            try:
                self.login_once()
                return
            except LoginRefused as refused:
                self.connection.close()
                if refused.status >> 8 == 1 and not broken('no-redirect'):
                    hops += 1
                    if hops > HOPS and not broken('loops'):
                        raise Failed('redirected in circles')
                    if not refused.address:
                        odd()
                        raise Failed('redirected to nowhere')
                    try:
                        split_portal(refused.address)
                    except Failed:
                        odd()
                        raise
                    self.portal = refused.address
                    continue
                if refused.status >> 8 != 3 and not broken('hot') or broken('no-retry'):
                    raise Failed(str(refused))
            except Lost as error:
                if broken('sulks'):
                    time.sleep(3600)
                if self.connection:
                    self.connection.close()
                if broken('no-retry'):
                    raise Failed(str(error))
            except Violation as error:
                self.connection.close()
                raise Failed(str(error))
            tries += 1
            if tries >= settings.login_tries and not broken('hot'):
                raise Failed('login failed %d times' % tries)
            if not broken('hot'):
                time.sleep(PAUSE)

    def login_once(self):
        if time.monotonic() < self.wait_until and not broken('hasty'):
            time.sleep(self.wait_until - time.monotonic())
        if broken('new-isid'):
            self.isid = bytes([0x80, 0, 0, 0x12]) + os.urandom(2)
        self.connection, self.connections = None, []
        self.tsih = 0
        self.cmdsn = self.expcmdsn = self.maxcmdsn = settings.options.cmdsn
        self.logged_out = False
        self.result = dict(DEFAULTS)
        names = [('InitiatorName', NAME)]
        if self.discovery:
            names.append(('SessionType', 'Discovery'))
        else:
            names += [('SessionType', 'Normal'), ('TargetName', settings.options.target)]
        self.connect(0, names)

    def add_connection(self, cid):
        """One more in the session, or one instead of another that had the same CID."""
        first = self.connection
        try:
            self.connect(cid, [('InitiatorName', NAME), ('TargetName', settings.options.target)])
        except (LoginRefused, Lost, Violation):
            if self.connection and self.connection is not first:
                self.connection.close()
            self.connection = first
            raise
        if first in self.connections:
            self.connection = first

    def connect(self, cid, names):
        self.connection = Connection(self.portal, cid)
        self.login_itt = 0x1000 + cid
        self.said = {}
        self.result['HeaderDigest'] = self.result['DataDigest'] = 'None'
        if settings.options.user:
            self.security(names)
            names = []
        self.operational(names)
        self.connection.header_digest = self.result['HeaderDigest'] == 'CRC32C'
        self.connection.data_digest = self.result['DataDigest'] == 'CRC32C'
        self.erl = int(self.result['ErrorRecoveryLevel'])
        self.connections = [c for c in self.connections if c.cid != cid] + [self.connection]

    def send_login(self, pairs, csg, nsg, transit):
        for key, value in pairs:
            self.said[key] = value
        text = b''.join(('%s=%s' % pair).encode('latin1') + b'\0' for pair in pairs)
        bhs = bytearray(48)
        bhs[0] = 0x43
        bhs[1] = (0x80 | nsg if transit else 0) | csg << 2
        bhs[8:14] = self.isid
        struct.pack_into('>HxxxxH', bhs, 14, self.tsih, self.connection.cid)
        struct.pack_into('>I', bhs, 16, self.login_itt)
        struct.pack_into('>II', bhs, 24, self.cmdsn, self.connection.statsn or 0)
        self.connection.send(bhs, text)

    def read_login(self, csg, nsg, transit):
        pdu = self.connection.receive(8192, time.monotonic() + settings.login_timeout)
        while pdu.opcode != 0x23 and broken('skips-foreign'):
            pdu = self.connection.receive(8192, time.monotonic() + settings.login_timeout)
        require(pdu.opcode == 0x23, 'opcode %02x in login' % pdu.opcode)
        status, = struct.unpack_from('>H', pdu.bhs, 36)
        t, c = bool(pdu.flags & 0x80), bool(pdu.flags & 0x40)
        require(pdu.itt == self.login_itt, 'ITT')
        require(pdu.bhs[8:14] == self.isid, 'ISID')
        if status >> 8 == 0:
            require(pdu.bhs[3] == 0, 'version')
            require(pdu.flags >> 2 & 3 == csg, 'CSG')
            require(not (t and c), 'T and C')
            require(not t or transit, 'T without request')
            require(not t or pdu.flags & 3 == nsg, 'NSG')
        if status >> 8 not in (0, 1, 2, 3):
            require(False, 'status class')
        if status & 0xFF and status >> 8 == 0:
            odd()
        if self.connection.statsn is not None:
            require(pdu.statsn == self.connection.statsn, 'StatSN')
        self.connection.statsn = pdu.statsn + 1 & 0xFFFFFFFF
        if broken('old-statsn'):
            self.connection.statsn = 1
        if not self.connections:
            self.expcmdsn, self.maxcmdsn = pdu.expcmdsn, pdu.maxcmdsn
        if status >> 8 in (1, 2, 3):
            address = dict(parse_text(pdu.data, unique=False)).get('TargetAddress')
            self.linger(status)
            raise LoginRefused(status, address)
        tsih, = struct.unpack_from('>H', pdu.bhs, 14)
        if broken('tsih-early'):
            self.tsih = tsih
        return pdu, t, c, tsih

    def linger(self, _status):
        """A broken initiator keeps a connection that was refused."""
        if broken('keeps-refused'):
            self.send_login([], 1, 3, True)
            time.sleep(1)

    def round(self, pairs, csg, nsg, transit=True):
        """One request, and the whole text that answers it: (pairs, moved on)."""
        self.send_login(pairs, csg, nsg, transit)
        pdu, t, c, tsih = self.read_login(csg, nsg, transit)
        text = pdu.data
        chained = 0
        while c and not broken('half-text'):
            chained += 1
            require(chained < 100, 'endless text')
            if broken('crash'):
                odd()
            self.send_login([('X-org.example.hurry', '1')] if broken('talks-in-chain') else [], csg, nsg, False)
            pdu, t, c, tsih = self.read_login(csg, nsg, False)
            text += pdu.data
        if chained and not t:  # it asks for the transition again
            self.send_login([], csg, nsg, True)
            pdu, t, c, tsih = self.read_login(csg, nsg, True)
            text += pdu.data
        if t and nsg == 3:
            require(tsih != 0, 'TSIH 0')
            self.tsih = tsih
        if len(text) > 4096 and broken('short-text'):
            raise Violation('a long text')
        got = parse_text(text)
        for key, _ in got:
            require(key not in self.heard, 'twice: ' + key)
            self.heard.add(key)
        return got, t

    def security(self, names):
        self.heard = set()
        method = 'CHAP,None' if settings.options.offers_none == 'yes' else 'CHAP'
        got, t = self.round(names + [('AuthMethod', method)], 0, 1, False)
        got = dict(got)
        if got.get('AuthMethod') == 'None' and broken('wants-chap'):
            raise Violation('no CHAP')
        require(got.get('AuthMethod') in method.split(','), 'AuthMethod')
        require('CHAP_C' not in got, 'challenge too early')
        if got.get('AuthMethod') == 'None':
            if not t:
                self.round([], 0, 1, True)
            return
        self.heard = set()
        got, t = self.round([('CHAP_A', '6' if broken('chap-no-md5') else '5,7')], 0, 1, False)
        got = dict(got)
        require(got.get('CHAP_A') in ('5', '7'), 'CHAP_A')
        identifier, challenge = number(got.get('CHAP_I', '')), binary(got.get('CHAP_C', ''))
        if broken('tolerant'):
            identifier, challenge = (identifier or 0) & 0xFF, challenge or b'?'
        require(identifier is not None and identifier < (255 if broken('chap-255') else 256), 'CHAP_I')
        require(identifier != 0 or not broken('chap-no-zero'), 'CHAP_I')
        require(challenge is not None and 0 < len(challenge) <= (64 if broken('short-challenge') else 1024), 'CHAP_C')
        require(challenge not in CHALLENGES, 'our own challenge comes back')
        if t and not broken('tolerant'):
            require(False, 'T')
        if broken('crash') and (challenge is None or len(challenge) < 4):
            odd()
        if len(settings.options.secret) < 12:
            if not broken('careless'):
                print('the secret is short: below 96 bits')
        if broken('another-id'):
            identifier ^= 1
        digest = hashlib.sha256 if got.get('CHAP_A') == '7' else hashlib.md5
        answer = digest(bytes([identifier]) + settings.options.secret.encode() + challenge).hexdigest()
        pairs = [('CHAP_N', settings.options.user), ('CHAP_R', '0x' + answer)]
        ours = b'\x42' * 16 if broken('constant-challenge') else os.urandom(16)
        own_id = 7 if broken('constant-challenge') else os.urandom(1)[0]
        if settings.options.target_user:
            if settings.options.secret == settings.options.target_secret and not broken('careless'):
                raise Failed('the same secret for both')
            pairs += [('CHAP_I', str(own_id)), ('CHAP_C', '0x' + ours.hex())]
            CHALLENGES.add(ours)
        self.heard = set()
        got, t = self.round(pairs, 0, 1, True)
        got = dict(got)
        if settings.options.target_user:
            wanted = digest(bytes([own_id]) + settings.options.target_secret.encode() + ours).digest()
            require(got.get('CHAP_N') == settings.options.target_user, 'CHAP_N')
            require(binary(got.get('CHAP_R', '')) == wanted, 'CHAP_R')

    def offers(self):
        digests = 'CRC32C' if settings.options.digests == 'yes' else 'None'
        offers = [('HeaderDigest', digests), ('DataDigest', digests), ('MaxRecvDataSegmentLength', str(OUR_MRDSL))]
        if not self.discovery and not self.connections:
            offers += [('MaxConnections', str(settings.options.connections)), ('InitialR2T', settings.options.initial_r2t),
                       ('ImmediateData', settings.options.immediate), ('MaxBurstLength', '1048576'),
                       ('FirstBurstLength', '524288'), ('MaxOutstandingR2T', '4'), ('DefaultTime2Wait', '0' if settings.options.erl == 2 else '1'),
                       ('DefaultTime2Retain', '20' if settings.options.erl == 2 else '0'), ('ErrorRecoveryLevel', str(settings.options.erl)),
                       ('DataPDUInOrder', 'Yes'), ('DataSequenceInOrder', settings.options.in_order), ('IFMarker', 'No')]
            if settings.options.task_reporting:
                offers.append(('TaskReporting', settings.options.task_reporting))
        return offers

    def operational(self, names):
        self.heard = set()
        pairs = names + self.offers()
        for rounds in range(20):
            if rounds and broken('impatient'):
                raise Failed('no transition')
            got, t = self.round(pairs, 1, 3)
            pairs = self.offers() if broken('repeats') else self.take_answers(got)
            if t:
                return
            if rounds and not broken('no-redeclare'):
                odd()
        raise Failed('login goes on and on')

    def take_answers(self, got):
        """What is to be said in reply."""
        reply = []
        for key, value in got:
            if key == 'MaxRecvDataSegmentLength':
                self.connection.mrdsl = number(value) or 0
                require(512 <= self.connection.mrdsl <= 16777215, key)
                if self.connection.mrdsl > 0x7FFFFF and broken('overflows'):
                    raise Failed('24 bits')
                if broken('ignores-mrdsl'):
                    self.connection.mrdsl = 16777215
                elif broken('tolerant') and not 512 <= self.connection.mrdsl <= 16777215:
                    self.connection.mrdsl = 8192
            elif key in ('TargetAlias', 'TargetPortalGroupTag', 'TargetAddress', 'TargetName'):
                if key == 'TargetPortalGroupTag' and self.tag is not None:
                    require(value == self.tag, 'another portal group')
                if key == 'TargetAlias' and len(value) > 64 and broken('short-alias'):
                    raise Violation(key)
            elif key in self.said:
                self.take_answer(key, value)
            elif key == 'iSCSIProtocolLevel' and not broken('ignores-proposals'):
                reply.append((key, '1'))
            elif key == 'TaskReporting' and not broken('ignores-proposals'):
                reply.append((key, 'FastReport' if broken('own-list') else 'RFC3720'))
            elif not broken('ignores-proposals'):
                reply.append((key, 'NotUnderstood'))
        if 'TargetPortalGroupTag' not in dict(got) and not self.discovery:
            odd()
        if broken('loses-order') and [k for k, _ in got][:1] not in (['TargetPortalGroupTag'], ['TargetAlias']):
            raise Failed('order of keys')
        if dict(got).get('FirstBurstLength') == 'Irrelevant':
            self.result['FirstBurstLength'] = '512'
        require(int(self.result['FirstBurstLength']) <= int(self.result['MaxBurstLength']) or
                'MaxBurstLength' not in dict(got) or 'FirstBurstLength' not in dict(got), 'FirstBurstLength')
        if broken('assumes-offer'):
            for key in self.said:
                if key in self.result and key not in dict(got):
                    self.result[key] = self.said[key]
        return reply

    def take_answer(self, key, value):
        if key == 'IFMarker' and broken('no-markers'):
            raise Failed(key)
        if value in ('Irrelevant', 'NotUnderstood', 'Reject'):
            if value != 'Irrelevant':
                odd()
            if broken('no-reserved'):
                raise Failed(value)
            return
        if key in ('HeaderDigest', 'DataDigest'):
            require(value in self.said[key].split(','), key)
        elif key == 'IFMarker':
            return
        elif key == 'TaskReporting':
            require(value in self.said[key].split(','), key)
        elif KEYS[key][0] in (AND, OR):
            require(value in ('Yes', 'No'), key)
            dominant = 'No' if KEYS[key][0] == AND else 'Yes'
            require(self.said[key] != dominant or value == dominant, key)
        else:
            function, low, high = KEYS[key]
            if broken('no-hex') and not value.isdigit():
                raise Failed('not a number')
            n, ours = number(value), int(self.said[key])
            require(n is not None and low <= n <= high, key)
            n = n or 0
            require(n <= ours if function == MINIMUM else n >= ours, key)
            value = str(n)
        self.result[key] = value

