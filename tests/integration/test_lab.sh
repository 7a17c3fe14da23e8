#!/usr/bin/env bash
# The contention lab against our own target: every scenario in each profile that it names, and short
# stresses with fixed seeds, bounded by commands. The judge must find that every rule held.
cd "$(dirname "$0")/../.." || exit 1
set -u
: "${HOLDFASTD:=build/holdfastd}"
: "${HOLDFAST_LAB:=build/holdfast-lab}"
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
daemon_pid=
clean_up() {
	if [ -n "$daemon_pid" ]; then
		kill -9 "$daemon_pid" 2>/dev/null
		wait "$daemon_pid" 2>/dev/null
	fi
	rm -rf "$folder"
}
trap clean_up EXIT
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

stress 'power cuts, spc4' --profile spc4 --initiators 5 --depth 1 --commands 1500 --power-cuts 4 --seed 15
stress 'power cuts and kill -9, dlt-s4' --profile dlt-s4 --initiators 5 --depth 1 --commands 1500 \
	--power-cuts 3 --kills 2 --seed 16

# What the target decided is quoted in the history, also before each crash: all but the last moments, which are in the journal.
must 0 'quotes of the target' stress "${own[@]}" --initiators 8 --commands 3000 --kills 2 --seed 17 --timeout-ms 2000 \
	--history "$folder/quoted"
quoted=$(grep -c '"kind":"decided"' "$folder/quoted")
unnamed=$(grep -c '"kind":"applied"' "$folder/quoted")
if [ "$quoted" -gt 200 ] && [ "$unnamed" -lt "$quoted" ]; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "wrong  $quoted commands are quoted by number, $unnamed by their keys alone"
fi

# A target that is not the lab's own, and has a past: reservations and a PRGENERATION.
mkfifo "$folder/ready"
"$HOLDFASTD" --state-dir "$folder/state" --listen 127.0.0.1:0 --profile spc4 >"$folder/ready" \
	2>"$folder/log" &
daemon_pid=$!
read -r -t 60 ready <"$folder/ready" || ready=
portal=$(sed -n 's/.*"portals": *\["\([^"]*\)".*/\1/p' <<<"$ready")
target=$(sed -n 's/.*"target": *"\([^"]*\)".*/\1/p' <<<"$ready")
url=iscsi://$portal/$target/0
for seed in 91 92; do
	must 0 "stress by URL, seed $seed" stress --profile spc4 --initiators 6 --commands 1000 \
		--timeout-ms 2000 --seed $seed "$url"
done
must 0 'a scenario by URL' run --profile spc4 docs/scenarios/fencing-storm.lua "$url"
must 0 'a scenario by URL, with silent aborts' run --timeout-ms 500 --profile spc4 \
	docs/scenarios/abort-writes-in-flight.lua "$url"
must 0 'a scenario by URL, of a target that is not known' run docs/scenarios/clear.lua "$url"
must 2 'a scenario that needs its own target' run docs/scenarios/aptpl-on.lua "$url"
must 4 'a LUN that is not there' run docs/scenarios/clear.lua "iscsi://$portal/$target/7"
must 4 'no URL' run docs/scenarios/clear.lua "http://$portal/"

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

# fails LUA MESSAGE: a scenario of these lines fails with a message that has this in it
fails() {
	printf -- '-- A scenario that fails\nlocal a = initiator "alice"\n%b\n' "$1" >"$folder/fails.lua"
	must 1 "fails: $2" run "${own[@]}" "$folder/fails.lua"
	if grep -qF "$2" "$folder/said"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "wrong  its message is not \`$2\`:"
		sed 's/^/       | /' "$folder/said"
	fi
}
fails 'up(a)\na:register()' 'fails.lua:4: register takes a new key'
fails 'up(a)\na:cdb "zz"' 'fails.lua:4: `zz` is not a row of bytes in hexadecimal digits'
fails 'up(a)\na:reserve "XX"' 'fails.lua:4: there is no type `XX`'
fails 'a:read(1)' 'fails.lua:3: alice is not logged in'
fails 'target.kill()\nup(a)' 'fails.lua:4: alice cannot log in'
fails 'target.fault_add "on nonsense do drop"' 'fails.lua:3: the target: '
fails 'target.kill()\ntarget.fault_list()' 'fails.lua:4: the target is dead'
fails 'target.power_cut()' 'fails.lua:3: the scenario'\''s head has no `target: power-cuts`'
fails 'local t = {}\nwhile true do t[#t + 1] = ("x"):rep(1 << 20) .. #t end' 'not enough memory'
fails 'parallel {function() up(a) end, function() a:logout() end}' 'fails.lua:3: alice is not logged in'

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
