#!/usr/bin/env bash
# holdfast check-initiator: verdicts, exit statuses and reports, on initiators that behave and that do not.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${HOLDFAST:=build/holdfast}" "${HOLDFAST_CHECKED:=build/tests/initiators/libiscsi}"
scripted=tests/initiators/scripted
dir=$(mktemp -d /tmp/holdfast-test-XXXXXX)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0
verdict() { # status of what was tried, what is promised
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: $2"
		cat "$dir/out"
	fi
}
try() { # wanted exit status, options and command
	local wanted=$1
	shift
	"$HOLDFAST" check-initiator "$@" >"$dir/out" 2>&1
	[ $? -eq "$wanted" ]
}

try 0 --all --check act.login.many-rounds -- "$scripted" {portal} {target} {work}
verdict $? 'an initiator that behaves passes'
grep -q '^PASS  *act.login.many-rounds' "$dir/out"
verdict $? 'the table says so'

try 1 --check act.login.itt-mismatch --json "$dir/json" --junit "$dir/xml" --html "$dir/html" -- \
	"$scripted" {portal} {target} {work} --break tolerant
verdict $? 'one that takes everything fails'
grep -q '^FAIL  *act.login.itt-mismatch' "$dir/out"
verdict $? 'the table says so, too'
python3 - "$dir" >"$dir/out" 2>&1 <<'PYTHON'
import json, sys, xml.etree.ElementTree as tree
from html.parser import HTMLParser
check, = json.load(open(sys.argv[1] + '/json'))['checks']
assert check['verdict'] == 'FAIL' and check['runs'][0]['why'] == 'expected: closed', check
suites = tree.parse(sys.argv[1] + '/xml').getroot()
assert suites.get('failures') == '1', suites.attrib
case = suites.find('testsuite/testcase')
assert case.get('name') == 'act.login.itt-mismatch' and case.find('failure') is not None
page = open(sys.argv[1] + '/html').read()
HTMLParser().feed(page)
assert 'class=stimulus' in page and 'Login Response' in page and 'InitiatorName=' in page
assert 'src=' not in page and 'href=' not in page
PYTHON
verdict $? 'JSON, JUnit and the page have it'

try 0 --check act.neg.mrdsl-512 --check act.rsp.busy --json -- "$HOLDFAST_CHECKED" {portal} {target} {lun} {work}
verdict $? 'libiscsi keeps to small segments and tries again when the target is busy'
python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$dir/out"
verdict $? '--json alone prints the report'

try 1 --check act.login.tpgt-missing -- sh -c 'kill -SEGV $$'
verdict $? 'a crash fails'
grep -q 'crashed' "$dir/out"
verdict $? 'and is called one'
try 1 --check act.disc.empty --check act.rej.unknown --time-limit 2 -- "$scripted" {portal} {target} {work} --break hang
verdict $? 'a hang'
cat >"$dir/loop" <<'PYTHON'
import socket, sys
address, port = sys.argv[1].rsplit(':', 1)
while True:
    socket.create_connection((address, int(port))).close()
PYTHON
try 1 --check act.login.accept-close --time-limit 600 -- python3 "$dir/loop" {portal}
verdict $? 'one that connects again and again without end'
grep -q 'did not come to an end' "$dir/out"
verdict $? 'is not waited for'
try 1 --check act.ua.ua-not-on-inquiry -- /nonexistent/initiator
verdict $? 'a command that there is not'
grep -q INCONCLUSIVE "$dir/out"
verdict $? 'says nothing of the initiator'
try 1 --check fault.eio-read -- sh -c "$scripted {portal} {target} {work}; exit 3"
verdict $? 'wrong data'
try 0 --all --check act.din.a-bit -- true
verdict $? 'a command that does nothing'
grep -q 'NOT-TESTABLE' "$dir/out"
verdict $? 'cannot be judged'

# The scripted initiator writes at 0 and at 8.
for first in 8:PASS 16:NOT-TESTABLE; do
	try 0 --all --first-lba ${first%:*} --check fault.eio-write -- "$scripted" {portal} {target} {work}
	verdict $? "writes from block ${first%:*} on may fail"
	grep -q "^${first#*:} " "$dir/out"
	verdict $? "and one there does, or not: ${first#*:}"
done
try 0 --all --first-lba 8 --check fault.eio-read -- "$scripted" {portal} {target} {work}
verdict $? 'a range of blocks'
grep -q '^NOT-TESTABLE' "$dir/out"
verdict $? 'moves with the first block'
try 0 --first-lba 2048 --check act.login.tpgt-missing -- sh -c 'test {first-lba} = 2048 && test $HOLDFAST_FIRST_LBA = 2048'
verdict $? 'the command is told the first block'
try 2 --first-lba 12289 --check act.login.tpgt-missing -- true
verdict $? 'no room behind the first block'

try 2 --check act.login.silnce -- true
verdict $? 'a check that there is not'
grep -q 'did you mean `act.login.silence`' "$dir/out"
verdict $? 'one is proposed'
try 2 --check frame.dsl-limit -- true
verdict $? 'a passive one'
try 2 --group A13 -- true
verdict $? 'a group that there is not'
try 2 --jobs many -- true
verdict $? 'a number that is none'
try 2
verdict $? 'no command'
try 0 --explain act.din.datasn-gap
verdict $? 'an explanation'
grep -q 'fault  *on data-in' "$dir/out"
verdict $? 'has the fault'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
