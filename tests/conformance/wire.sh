#!/usr/bin/env bash
# `make check-wire`: tshark reads what the daemon has sent in a run of the public suite, and finds no
# malformed iSCSI or SCSI PDU in it.
#
# usage: tests/conformance/wire.sh FOLDER [-k KIND]... [FAMILY]...
#
# Each family of tests is recorded by itself: the recordings of a whole run are gigabytes, and one
# that was found sound is removed at once. When the recording itself has lost packets, the family is
# run again.
#
# What the suite itself sends is not judged: parts of it are wrong on purpose. Whether its tests pass
# is told by `make check-conformance`.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=$1
shift
kinds=()
while getopts k: option; do
	[ "$option" = k ] || exit 2
	kinds+=("$OPTARG")
done
shift $((OPTIND - 1))
families=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(thin-512 removable read-only two-paths dlt-s4)
tries=5

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
[ ${#families[@]} -gt 0 ] || mapfile -t families < <(iscsi-test-cu --list |
	sed -n 's/^ALL\.\([^.]*\)\.[^.]*$/\1/p' | uniq)

# judge FILE PORT: how many frames with PDUs of the target there are, segments that the capture lost, and
# frames that are malformed, of which the first is named.
#
# tshark reads some answers (READ CAPACITY(16), READ KEYS, VPD page 83h) on to where they would have ended
# though the allocation length has cut them, and calls that malformed; of others it says _ws.short. So one
# answer is let pass: Data-In of exactly as many bytes as the command expects.
judge() {
	tshark -n -r "$1" -d "tcp.port==$2,iscsi" -T fields -E occurrence=a \
		-e frame.number -e tcp.srcport -e iscsi.opcode -e iscsi.initiatortasktag \
		-e iscsi.scsicommand.expecteddatatransferlength -e iscsi.datasegmentlength \
		-e _ws.malformed -e _ws.expert.severity \
		-e tcp.analysis.ack_lost_segment -e tcp.analysis.lost_segment \
		-Y 'iscsi || tcp.analysis.ack_lost_segment || tcp.analysis.lost_segment' 2>/dev/null |
		awk -F '\t' -v port="$2" -v error=8388608 '
		$9 != "" || $10 != "" { lost++ }
		$5 != "" { expected[$4] = $5 }
		$2 != port || $3 == "" { next }
		{ pdus++ }
		$7 == "" && index($8, error) == 0 { next }
		$3 == "0x25" && $6 == expected[$4] { next }
		{ if (bad++ == 0) first = $1 }
		END { print pdus + 0, lost + 0, bad + 0, first }'
}

pdus_of_all=0
# judge_files: of one family. 0: sound, 1: something is malformed, 2: the capture lost something
judge_files() {
	local file port pdus lost bad first
	for file in "$folder"/*.pcapng; do
		[ -e "$file" ] || continue
		port=${file%.pcapng}
		port=${port##*.}
		read -r pdus lost bad first < <(judge "$file" "$port")
		[ "$lost" -eq 0 ] || return 2
		if [ "$bad" -gt 0 ]; then
			echo "      $file: $bad of $pdus frames are malformed, the first is $first"
			return 1
		fi
		family_pdus=$((family_pdus + pdus))
	done
}

# judge_family KIND FAMILY: counts
judge_family() {
	local try verdict
	for ((try = 0; try < tries; try++)); do
		family_pdus=0
		rm -f "$folder"/*.pcapng
		tests/conformance/run -j 1 -w "$folder" -l "$folder/logs" -k "$1" "$2.*" \
			>"$folder/$1.$2.log" 2>&1
		judge_files
		verdict=$?
		[ $verdict -eq 2 ] || break
	done
	if [ $verdict -eq 0 ]; then
		passed=$((passed + 1))
		pdus_of_all=$((pdus_of_all + family_pdus))
		rm -f "$folder"/*.pcapng
	else
		failed=$((failed + 1))
		mkdir -p "$folder/bad"
		mv "$folder"/*.pcapng "$folder/bad"
		[ $verdict -ne 2 ] || echo "      $tries captures lost packets"
		echo "FAIL  $1 $2: see $folder/bad"
	fi
}

mkdir -p "$folder"
rm -rf "$folder/bad"
passed=0
failed=0
for kind in "${kinds[@]}"; do
	before=$pdus_of_all
	for family in "${families[@]}"; do
		# Erasing takes its time, and is the same everywhere.
		[ "$family" = Sanitize ] && [ "$kind" != "${kinds[0]}" ] && continue
		judge_family "$kind" "$family"
	done
	echo "$kind: $((pdus_of_all - before)) frames with PDUs of the target, none malformed in what passed"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$pdus_of_all" -gt 0 ]
