# shellcheck shell=bash
# What the conformance scripts share: a daemon of their own, and one process of iscsi-test-cu a test.
# The tool exits 0 on failures and counts a skip as passed, so its words are read instead.

set -u
: "${HOLDFASTD:=build/holdfastd}"
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
daemon_pid=
passed=0
failed=0
skipped=0

clean_up() {
	if [ -n "$daemon_pid" ]; then
		kill -9 "$daemon_pid" 2>/dev/null
		wait "$daemon_pid" 2>/dev/null
	fi
	rm -rf "$folder"
}
trap clean_up EXIT

# start_daemon ARGUMENT...: sets url
start_daemon() {
	mkfifo "$folder/ready"
	"$HOLDFASTD" --state-dir "$folder/state" --listen 127.0.0.1:0 "$@" \
		>"$folder/ready" 2>"$folder/log" &
	daemon_pid=$!
	read -r -t 60 ready <"$folder/ready" || ready=
	portal=$(sed -n 's/.*"portals": *\["\([^"]*\)".*/\1/p' <<<"$ready")
	target=$(sed -n 's/.*"target": *"\([^"]*\)".*/\1/p' <<<"$ready")
	if [ -z "$portal" ] || [ -z "$target" ]; then
		echo "the daemon did not get ready: $ready"
		cat "$folder/log"
		exit 1
	fi
	url=iscsi://$portal/$target/0
}

# run_test NAME [SECONDS]: verdict is PASS, FAIL or SKIP; what the tool said is in $folder/said
run_test() {
	timeout --kill-after=5 "${2:-60}" iscsi-test-cu --dataloss --allow-sanitize --test "$1" \
		"$url" >"$folder/said" 2>&1 </dev/null
	local status=$?
	# The last line of the summary's table: "asserts  total  ran  passed  failed  inactive".
	local ran failures
	ran=$(awk '$1 == "tests" { print $3 }' "$folder/said")
	failures=$(awk '$1 == "tests" || $1 == "asserts" { n += $5 } END { print n + 0 }' \
		"$folder/said")
	if [ $status -ne 0 ] || [ "${ran:-0}" -eq 0 ] || [ "$failures" -ne 0 ]; then
		verdict=FAIL
	elif grep -q '\[SKIPPED\]' "$folder/said"; then
		verdict=SKIP
	else
		verdict=PASS
	fi
}

# expect VERDICT NAME: one test of the suite, by its full name
expect() {
	run_test "ALL.$2"
	if [ "$verdict" = "$1" ]; then
		passed=$((passed + 1))
		printf 'ok    %-4s %s\n' "$verdict" "$2"
	else
		failed=$((failed + 1))
		printf 'wrong %-4s %s (expected %s)\n' "$verdict" "$2" "$1"
		tail -n 40 "$folder/said" | sed 's/^/      | /'
	fi
}

# tests_of FAMILY...: the names of all tests of these families, without the leading "ALL."
tests_of() {
	for family in "$@"; do
		iscsi-test-cu --list | sed -n "s/^ALL\.\($family\.[^.]*\)$/\1/p"
	done
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
