#!/usr/bin/env bash
# `make check-wire`: tshark reads what the daemon has sent in a run of the public suite, and finds no
# malformed iSCSI or SCSI PDU in it.
#
# usage: tests/conformance/wire.sh FOLDER [ARGUMENT_OF_RUN]...
#
# Without arguments: the families below, on a thin disk. Left out are those that cut a page by its
# allocation length (tshark calls READ CAPACITY(16) and READ KEYS malformed then), and those that move
# gigabytes, of which a capture loses a part.
#
# What the suite itself sends is not judged: parts of it are wrong on purpose. Whether its tests pass
# is told by `make check-conformance`.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=$1
shift
[ $# -gt 0 ] || set -- -k thin-512 'Inquiry.*' 'ModeSense6.*' 'Prout*' 'Read10.*' \
	'ReportSupportedOpcodes.*' 'Reserve6.*' 'TestUnitReady.*' 'iSCSI*'

for program in dumpcap tshark; do
	if ! command -v "$program" >/dev/null; then
		echo "check-wire: skipped: no $program here (package tshark: tools/install-deps --wire)"
		exit 0
	fi
done
if ! why=$(dumpcap -q -i lo -a duration:1 -w - 2>&1 >/dev/null); then
	echo "check-wire: skipped: this user may not capture on lo (CAP_NET_RAW; root may):"
	printf '%s\n' "$why" | grep -m 1 . | sed 's/^/  /'
	exit 0
fi

rm -f "$folder"/*.pcapng
tests/conformance/run -w "$folder" -l "$folder/logs" "$@" >"$folder.log" 2>&1
echo "the suite's own verdicts are in $folder.log: $(tail -n 1 "$folder.log")"

# frames FILE PORT FILTER: how many frames tshark finds
frames() {
	tshark -n -r "$1" -d "tcp.port==$2,iscsi" -Y "$3" -T fields -e frame.number 2>/dev/null |
		wc -l
}

passed=0
failed=0
for file in "$folder"/*.pcapng; do
	[ -e "$file" ] || break
	port=${file%.pcapng}
	port=${port##*.}
	# Not _ws.short: so tshark calls a page that an allocation length has cut.
	judged="tcp.srcport == $port && (_ws.malformed || (iscsi && _ws.expert.severity == error))"
	pdus=$(frames "$file" "$port" "tcp.srcport == $port && iscsi")
	[ "$pdus" -gt 0 ] || continue # not a test of the suite got as far as this daemon
	lost=$(frames "$file" "$port" 'tcp.analysis.ack_lost_segment')
	bad=$(frames "$file" "$port" "$judged")
	if [ "$lost" -gt 0 ]; then
		failed=$((failed + 1))
		echo "FAIL  $file: the capture itself lost $lost segments"
	elif [ "$bad" -gt 0 ]; then
		failed=$((failed + 1))
		echo "FAIL  $file: $bad of $pdus frames with PDUs are malformed, such as"
		tshark -n -r "$file" -d "tcp.port==$port,iscsi" -Y "$judged" 2>/dev/null |
			head -n 5 | sed 's/^/      /'
	else
		passed=$((passed + 1))
		echo "ok    $file: $pdus frames with PDUs of the target, none malformed"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
