#!/usr/bin/env bash
# What a command costs in instructions, against instructions.txt: a growth of more than 3 % fails,
# as does an access check that 1,000 registrations make dearer by as much.
#
#   tests/bench/instructions.sh            compares
#   tests/bench/instructions.sh --accept   writes the new counts into instructions.txt
#
# Counts hold for one compiler and its options; with another one, with sanitizers, or without
# valgrind there is nothing to compare, and that is said.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${HOLDFAST_STREAM:=build/tests/bench/stream}" "${HOLDFAST_STREAM_BUILD:=unknown}"
counts=$here/instructions.txt
growth_max=3 # per cent
registrations_max=3

skip() {
	echo "instructions: skipped: $1"
	echo "1 passed, 0 failed"
	exit 0
}

command -v valgrind >/dev/null || skip "valgrind is not installed"
case $HOLDFAST_STREAM in
*-address* | *-undefined* | *-thread*) skip "built with a sanitizer" ;;
esac
build="$HOLDFAST_STREAM_BUILD"
known=$(sed -n 's/^build //p' "$counts" 2>/dev/null)
if [ "${1:-}" != --accept ] && [ "$known" != "$build" ]; then
	skip "the counts are of '$known', this is '$build'"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Copying by single instructions would count a 4 KiB copy as anything from 1 to 4,096.
tunables=glibc.cpu.x86_rep_movsb_threshold=0x40000000:glibc.cpu.x86_rep_stosb_threshold=0x40000000
if ! GLIBC_TUNABLES=$tunables valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file="$folder/out" \
	"$HOLDFAST_STREAM" >"$folder/said" 2>"$folder/log"; then
	cat "$folder/said" "$folder/log"
	echo "0 passed, 1 failed"
	exit 1
fi
commands=$(awk '{ print $1 }' "$folder/said")
for dump in "$folder"/out.*; do
	awk -v commands="$commands" '/^desc: Trigger: Client Request:/ { name = $NF }
		/^(summary|totals):/ { total = $2 }
		END { if (name != "") printf "%s %.0f\n", name, total / commands }' "$dump"
done | sort >"$folder/new"

if [ "${1:-}" = --accept ]; then
	{
		echo "# Instructions a command, as tests/bench/instructions.sh counts them."
		echo "build $build"
		cat "$folder/new"
	} >"$counts"
	cat "$counts"
	exit 0
fi

passed=0
failed=0
judge() { # what, now, before, per cent allowed
	local verdict=ok
	if awk -v now="$2" -v before="$3" -v max="$4" \
		'BEGIN { exit !(now > before * (1 + max / 100)) }'; then
		verdict=FAIL
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
	awk -v verdict=$verdict -v what="$1" -v now="$2" -v before="$3" 'BEGIN {
		printf "%-4s %-40s %7d instructions, %7d before (%+.1f %%)\n", verdict, what, now,
			before, (now / before - 1) * 100 }'
}

while read -r name before; do
	now=$(awk -v name="$name" '$1 == name { print $2 }' "$folder/new")
	judge "$name" "${now:-999999999}" "$before" $growth_max
done < <(grep -v -e '^#' -e '^build' "$counts")
for kind in tur read write; do
	judge "$kind: 1,000 registrations or none" \
		"$(awk -v name="$kind-1000-registrations" '$1 == name { print $2 }' "$folder/new")" \
		"$(awk -v name="$kind" '$1 == name { print $2 }' "$folder/new")" $registrations_max
done
if [ "$failed" -gt 0 ]; then
	echo "If that is the price of something good: make check-instructions ARGS=--accept, and say"
	echo "in the commit's message what it buys."
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
