#!/usr/bin/env bash
# The contention lab against our own target: every scenario in each profile that it names, and short
# stresses with fixed seeds, bounded by commands. The judge must find that every rule held.
cd "$(dirname "$0")/../.." || exit 1
set -u
: "${HOLDFASTD:=build/holdfastd}"
: "${HOLDFAST_LAB:=build/holdfast-lab}"
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0

# must STATUS NAME ARGUMENT...: the lab ends with this status
must() {
	local wanted=$1 name=$2 status
	shift 2
	timeout --kill-after=5 300 "$HOLDFAST_LAB" "$@" >"$folder/said" 2>&1
	status=$?
	if [ "$status" -eq "$wanted" ]; then
		passed=$((passed + 1))
		echo "ok     $name"
	else
		failed=$((failed + 1))
		echo "wrong  $name (status $status, expected $wanted)"
		tail -n 60 "$folder/said" | sed 's/^/       | /'
	fi
}

own=(--own "$HOLDFASTD")
scenarios=0
for file in docs/scenarios/*.lua; do
	profiles=$(sed -n 's/^-- profiles: //p' "$file")
	scenarios=$((scenarios + 1))
	if [ -z "$profiles" ] || ! head -n 1 "$file" | grep -q '^-- [A-Z]'; then
		failed=$((failed + 1))
		echo "wrong  $file does not begin with a title and its profiles"
	fi
	for profile in $profiles; do
		must 0 "$(basename "$file") $profile" run "${own[@]}" --profile "$profile" "$file"
	done
done
if [ "$scenarios" -lt 25 ]; then
	failed=$((failed + 1))
	echo "wrong  only $scenarios scenarios"
fi

stress() { # NAME ARGUMENT...
	local name=$1
	shift
	must 0 "stress $name" stress "${own[@]}" --timeout-ms 2000 "$@"
}
stress 'spc4, two ports' --profile spc4 --ports 2 --initiators 8 --commands 2000 --seed 4
stress 'dlt-s4, aborts in silence' --profile dlt-s4 --initiators 8 --commands 2000 --seed 1
stress 'two LUNs' --profile spc4 --luns 2 --initiators 6 --commands 2000 --seed 5 --tas
stress 'kill -9, spc4' --profile spc4 --initiators 5 --depth 1 --commands 1500 --kills 3 --seed 13
stress 'kill -9, dlt-s4' --profile dlt-s4 --initiators 5 --depth 1 --commands 1500 --kills 3 \
	--seed 14 --tas

# What fails has to be seen to fail, with line, nexus, expectation and answer.
cat >"$folder/wrong.lua" <<'LUA'
-- A scenario that expects what does not happen
-- profiles: spc4
local a, b = initiator "alice", initiator "bob"
up(a, b)
expect(a:register(0xa), "good")
expect(a:reserve "EA", "good")
expect(b:read(0), "good")
LUA
must 1 'an expectation that is not met' run "${own[@]}" "$folder/wrong.lua"
if grep -q 'wrong.lua:7: bob: read 1 block at 0: expected good, got conflict' "$folder/said" &&
	grep -q 'alice *return *reserve EA' "$folder/said"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo 'wrong  its message:'
	sed 's/^/       | /' "$folder/said"
fi

# A scenario reaches the target and nothing else.
cat >"$folder/sandbox.lua" <<'LUA'
-- A scenario that looks for a way out
-- profiles: spc4
for _, name in ipairs {"os", "io", "debug", "package", "require", "dofile", "loadfile", "load"} do
	expect_that(_ENV[name] == nil, name .. " is not there")
end
LUA
must 0 'the sandbox' run "${own[@]}" "$folder/sandbox.lua"

printf -- '-- A scenario that waits for itself\nparallel {function() step() parallel {} while true do end end}\n' \
	>"$folder/endless.lua"
must 1 'a scenario that never ends' run "${own[@]}" "$folder/endless.lua"
must 2 'a profile that is not meant' run "${own[@]}" --profile dlt-s4 docs/scenarios/full-status.lua
must 2 'neither URL nor own target' run docs/scenarios/clear.lua
must 4 'no such file' run "${own[@]}" "$folder/none.lua"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
