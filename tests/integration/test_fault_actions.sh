#!/usr/bin/env bash
# Every action that holdfast-faults(7) tells of is seen on the wire by one of these tests.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
# Actions are what stands in stars at the begin of a line of their chapter, perhaps several with commas.
actions=$(sed -n '/^# ACTIONS/,/^# FIELDS/p' docs/man/holdfast-faults.7.scd | grep '^\*' | grep -o '\*[a-z-]*\*' | tr -d '*' |
	grep -vx 'no\|yes\|fixed\|descriptor' | sort -u)
for action in $actions; do
	if grep -q "do $action\b" tests/integration/test_fault*.c; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: \`do $action\` is in no tests/integration/test_fault*.c"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 40 ]
