"""Text of logins and Text PDUs."""
import base64

from .common import Violation, broken, require

KEY_LETTERS = set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+@_#')
LONG_VALUES = ('CHAP_C', 'CHAP_R')


def parse_text(data, unique=True):
    pairs = []
    if not data:
        return pairs
    require(data.endswith(b'\0'), 'text without NUL at its end')
    for item in data[:-1].split(b'\0') if data.endswith(b'\0') else data.split(b'\0'):
        key, equals, value = item.partition(b'=')
        key, value = key.decode('latin1'), value.decode('latin1')
        require(bool(equals) and 0 < len(key) <= 63, 'text without key or =')
        require(set(key) <= KEY_LETTERS and key[:1].isalpha(), 'letters of a key')
        require(len(value) <= 255 or key in LONG_VALUES, 'value of %d bytes' % len(value))
        require(not unique or key not in [k for k, _ in pairs], 'twice: ' + key)
        pairs.append((key, value))
    return pairs


def number(value):
    try:
        return int(value, 16) if value[:2] in ('0x', '0X') else int(value) if value.isdigit() else None
    except ValueError:
        return None


def binary(value):
    if broken('hex-only') and not value.startswith('0x'):
        raise Violation('not hexadecimal')
    try:
        if value[:2] in ('0x', '0X'):
            digits = value[2:]
            if len(digits) % 2 and broken('even-hex') or digits != digits.lower() and broken('lower-hex'):
                return None
            return bytes.fromhex('0' * (len(digits) % 2) + digits)
        if value[:2] in ('0b', '0B'):
            return base64.b64decode(value[2:], validate=True)
    except ValueError:
        pass
    return None

