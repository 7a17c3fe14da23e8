# shellcheck shell=sh
# What scenarios use inside a guest. Everything is said to the host on file descriptor 3, a line each.

say() { printf '%s\n' "$*" >&3; }
log() { say "log $*"; }
ok() { say "ok $*"; }
fail() { say "fail $*"; }
skip() { say "skip $*"; }

# check NAME COMMAND...: ok when the command succeeds; its output is in /tmp/out and, on failure, told
check() {
	check_name=$1
	shift
	if "$@" >/tmp/out 2>&1; then
		ok "$check_name"
	else
		fail "$check_name: status $? of '$*': $(tail -n 4 /tmp/out | tr '\n' '|')"
		return 1
	fi
}

# check_fails NAME PATTERN COMMAND...: ok when it fails and says PATTERN
check_fails() {
	check_name=$1 pattern=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		fail "$check_name: '$*' succeeded"
	elif grep -qiE -- "$pattern" /tmp/out; then
		ok "$check_name"
	else
		fail "$check_name: '$*' said: $(tail -n 4 /tmp/out | tr '\n' '|')"
	fi
}

# check_says NAME PATTERN COMMAND...: ok when it succeeds and says PATTERN
check_says() {
	check_name=$1 pattern=$2
	shift 2
	if "$@" >/tmp/out 2>&1 && grep -qE -- "$pattern" /tmp/out; then
		ok "$check_name"
	else
		fail "$check_name: no '$pattern' in: $(tail -n 6 /tmp/out | tr '\n' '|')"
	fi
}

# check_equal NAME EXPECTED GOT
check_equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		fail "$1: expected '$2', got '$3'"
	fi
}

# barrier NAME: waits until every guest has come to it
barrier() {
	say "barrier $1"
	while read -r word which <&3; do
		[ "$word" = go ] && [ "$which" = "$1" ] && return
	done
}

# host FUNCTION ARGUMENT...: runs host_FUNCTION of the scenario on the host; what it printed is in
# $answer, its status is host's
host() {
	say "host $*"
	while read -r word host_status answer <&3; do
		[ "$word" = answered ] && return "$host_status"
	done
}

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
	wait_left=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		wait_left=$((wait_left - 1))
		[ $wait_left -gt 0 ] || return 1
		usleep 200000
	done
}

# ---- iSCSI ----------------------------------------------------------------------------------------
start_iscsid() {
	# Taken up by each new node record: an unanswered ping is noticed after some seconds.
	sed -i 's/^\(node.conn\[0\].timeo.noop_out_[a-z]*\) = .*/\1 = 3/' /etc/iscsi/iscsid.conf
	echo "InitiatorName=$IQN" >/etc/iscsi/initiatorname.iscsi
	iscsid
	wait_for 20 grep -q ISCSIADM_ABSTRACT /proc/net/unix
}

# multipathd takes a path's identity from udev
start_udev() {
	/lib/systemd/systemd-udevd --daemon
	udevadm trigger
	udevadm settle
}

portal=$HOST:$PORT
portal2=$HOST2:$PORT2

setting() { # name value: of the node records
	iscsiadm -m node -T "$TARGET" -o update -n "$1" -v "$2"
}

discover() { iscsiadm -m discovery -t sendtargets -p "${1:-$portal}"; }

# The block device of LUN $1 (default 0) of the first session that has it, e.g. sda; in $disk.
find_disk() {
	for path in /sys/class/scsi_device/*:"${1:-0}"/device/block/*; do
		[ -e "$path" ] || continue
		disk=/dev/${path##*/}
		# The name is there before the disk can be opened.
		[ "$(blockdev --getsize64 "$disk" 2>/dev/null || echo 0)" -gt 0 ] && return 0
	done
	return 1
}

# Discovery, login, and the disk of LUN 0 in $disk, that of LUN 1 in $disk1 (if there is one)
log_in() {
	start_iscsid
	check "discovery by SendTargets" discover || return 1
	check "login" iscsiadm -m node -T "$TARGET" -p "$portal" --login || return 1
	check "the disk of LUN 0 appears" wait_for 30 find_disk 0 || return 1
	wait_for 5 find_disk 1 && disk1=$disk
	find_disk 0
}

log_out() { check "logout" iscsiadm -m node -T "$TARGET" --logout; }

# ---- I/O ------------------------------------------------------------------------------------------
# Verified I/O in the background: start_io DISK; io_goes_on NAME; stop_io NAME
start_io() {
	rm -f /tmp/io /tmp/io.stop
	echo 0 >/tmp/io
	verified_io "$1" "${2:-256}" "${3:-4096}" "${4:-8}" /tmp/io >/tmp/io.result 2>&1 &
	io_pid=$!
}

io_done() { cat /tmp/io; }
io_past() { [ "$(io_done)" -gt "$1" ]; }

# Another hundred operations within a minute: more than those that were on their way.
io_goes_on() {
	if wait_for 60 io_past $(($(io_done) + 100)); then
		ok "$1"
	else
		fail "$1: I/O stands still, or ended: $(cat /tmp/io.result)"
	fi
}

stop_io() {
	touch /tmp/io.stop
	if wait "$io_pid"; then
		ok "$1 ($(cat /tmp/io.result))"
	else
		fail "$1: $(cat /tmp/io.result)"
	fi
}

# Direct I/O of one 4 KiB block: read_block DISK N, write_block DISK N BYTE-IN-HEX
read_block() { dd if="$1" of=/tmp/block bs=4096 count=1 skip="$2" iflag=direct; }
write_block() {
	head -c 4096 /dev/zero | tr '\0' "\\$(printf '%03o' "0x$3")" >/tmp/pattern
	dd if=/tmp/pattern of="$1" bs=4096 count=1 seek="$2" oflag=direct conv=notrunc
}
