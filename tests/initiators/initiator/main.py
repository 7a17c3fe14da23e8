import argparse
import sys

from .common import Failed, Lost, Violation, WrongData, broken, settings
from .discovery import do_text
from .reserve import do_reserve
from .session import Session
from . import works

WORKS = {'login': works.do_login, 'read': works.do_read, 'write': works.do_write, 'big': works.do_big,
         'parallel': works.do_parallel, 'loop': works.do_loop, 'idle': works.do_idle, 'ping': works.do_ping,
         'abort': works.do_abort, 'reset': works.do_reset, 'reserve': do_reserve, 'prefetch': works.do_prefetch,
         'unmap': works.do_unmap, 'flush': works.do_flush, 'extents': works.do_extents, 'two': works.do_two,
         'discover': do_text, 'text': do_text}


def parse():
    parser = argparse.ArgumentParser(prog='scripted', description='a strict initiator')
    parser.add_argument('portal')
    parser.add_argument('target')
    parser.add_argument('work')
    for name in ('user', 'secret', 'target-user', 'target-secret', 'task-reporting'):
        parser.add_argument('--' + name, default='')
    for name in ('digests', 'discover-first', 'offers-none', 'moves', 'preempts'):
        parser.add_argument('--' + name, choices=('yes', 'no'), default='no')
    parser.add_argument('--erl', type=int, default=0)
    parser.add_argument('--cmdsn', type=lambda text: int(text, 0), default=0x100)
    parser.add_argument('--connections', type=int, default=1)
    parser.add_argument('--initial-r2t', default='No')
    parser.add_argument('--immediate', default='Yes')
    parser.add_argument('--in-order', default='Yes')
    parser.add_argument('--break', dest='broken', default='')
    return parser.parse_args()


def run():
    session = Session(settings.options.work == 'discover')
    try:
        if settings.options.discover_first == 'yes':
            scout = Session(True)
            scout.login()
            do_text(scout)
            scout.logout()
            session.tag = scout.found_tag
        session.login()
        WORKS[settings.options.work](session)
        if not session.logged_out:
            session.logout()
    except WrongData as error:
        print('wrong data: %s' % error)
        return 3
    except (Failed, Lost, Violation) as error:
        print(error)
        session.close()
        return 1
    return 0


def main():
    settings.options = parse()
    if broken('short-patience'):
        settings.patience = 0.2
    if broken('no-patience'):
        settings.patience = 0.02
    if broken('short-login-patience'):
        settings.login_timeout, settings.login_tries = 0.2, 1
    if settings.options.work not in WORKS:
        print('not done here: ' + settings.options.work)
        return 0
    status = run()
    sys.stdout.flush()
    return status
