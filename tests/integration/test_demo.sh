#!/usr/bin/env bash
# The live picture of `make demo`: as lines where nobody looks, and on a terminal, where a picture
# must neither be garbled nor leave anything behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${HOLDFASTD:=build/holdfastd}"
: "${HOLDFAST_LAB:=build/holdfast-lab}"
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0

# check WHAT COMMAND...
check() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		echo "FAIL $what"
		tail -n 40 "$folder/said" | sed 's/^/     | /'
		failed=$((failed + 1))
	fi
}

lab() {
	timeout --kill-after=5 120 "$HOLDFAST_LAB" "$@" >"$folder/said" 2>&1 </dev/null
}
own=(--own "$HOLDFASTD")
worst=docs/scenarios/worst-day.lua

check 'the demo is played' lab run --live --report "$folder/demo.html" "${own[@]}" "$worst"
check 'it names each one who is registered' grep -q 'registered: node-a 0xa, node-b 0xb, node-c 0xc; WE-RO held by node-a' "$folder/said"
check 'it shows the crash' grep -q 'target  *is dead' "$folder/said"
check 'it tells what happens' grep -q -- '-- Split brain' "$folder/said"
check 'it uses no escape sequence' sh -c '! grep -q "$(printf "\033")" "$1"' - "$folder/said"
check 'it ends with the verdict' grep -qx 'verdict  every rule held' "$folder/said"
check 'it names the report' grep -qx "report   $folder/demo.html" "$folder/said"
check 'the report is there' grep -q '</html>' "$folder/demo.html"
check 'a report that cannot be written is an error' \
	test "$(lab run --report "$folder/none/x.html" "${own[@]}" "$worst"; echo $?)" -eq 4
check 'live and json do not go together' test "$(lab run --live --json "${own[@]}" "$worst"; echo $?)" -eq 2
check 'a stress in lines' lab stress --live --commands 3000 --initiators 5 --kills 1 --seed 3 --depth 1 "${own[@]}"
check 'a stress shows its crash' grep -q 'is dead, and all sessions with it' "$folder/said"

# terminal SIZES [--interrupt] -- ARGUMENT...
terminal() {
	python3 tests/integration/terminal.py "$@" >"$folder/said" 2>&1
}
on_terminal() { # WHAT ARGUMENT...
	local what=$1
	shift
	check "$what" terminal "$@"
}
run=("$HOLDFAST_LAB" run --live --pace 8 "${own[@]}" "$worst")
on_terminal 'on a terminal' 80x24 -- "${run[@]}"
on_terminal 'on a large terminal' 200x60 -- "${run[@]}"
on_terminal 'on a small terminal' 40x12 -- "${run[@]}"
on_terminal 'that grows' 80x24,120x40 -- "${run[@]}"
on_terminal 'that shrinks' 120x40,60x20 -- "${run[@]}"
on_terminal 'interrupted' 80x24 --interrupt -- "$HOLDFAST_LAB" run --live --pace 300 "${own[@]}" "$worst"
check 'NO_COLOR asks for lines' sh -c \
	'NO_COLOR=1 script -qec "$1 run --live --own $2 $3" /dev/null | grep -q "registered: node-a 0xa"' \
	- "$HOLDFAST_LAB" "$HOLDFASTD" "$worst"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
