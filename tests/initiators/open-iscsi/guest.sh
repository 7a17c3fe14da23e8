# The active checks on open-iscsi and Debian's kernel: target, checks and initiator all in one guest.
# shellcheck shell=bash disable=SC2034,SC2154 # read by tests/linux/run; slice: a file with a check on each line
# (started by tests/initiators/open-iscsi/run, with the checks in $HOLDFAST_SLICE and a folder for the
# report in $HOLDFAST_REPORT)
#
# Time is the guest's own: it goes on by instructions, and where there is nothing to do it jumps to the next
# timer. Neither a slow machine nor what else runs on it lets a timeout pass, and waiting costs nothing.

kernels=stock
memory=1024
clock='-icount shift=1,sleep=off'
outbox=$HOLDFAST_REPORT/report.tar
kernel_log_expected='I/O error|reservation conflict'

# A program with the libraries that it needs
add_program() { # overlay, program
	install -D -m 755 -s "$2" "$1/usr/local/bin/${2##*/}"
	ldd "$2" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | while read -r library; do
		case $library in
		*/libc.so.* | */libm.so.*) ;;
		*) install -D -m 644 "$library" "$1/usr/lib/x86_64-linux-gnu/${library##*/}" ;;
		esac
	done
}

add_files() { # overlay
	add_program "$1" "$HOLDFAST"
	add_program "$1" "$HOLDFASTD"
	install -m 755 tests/initiators/open-iscsi/work "$1/usr/local/bin/open-iscsi-work"
	cp "$HOLDFAST_SLICE" "$1/scenario/slice"
}

# try_initiator CHECK: its report goes out at once, whatever comes of the next one
try_initiator() {
	holdfast check-initiator --jobs 1 --time-limit 600 --first-lba 2048 --all --check "$1" \
		--json "/report/$1.json" --html "/report/$1.html" \
		-- open-iscsi-work {portal} {target} {lun} {work} {first-lba} {digests} {user} {secret} \
		{target-user} {target-secret} >"/report/$1.txt" 2>&1
	tar -C /report -c . >"$outlet"
	rm -f /report/*
}

# The serial port of a PCI card, whose other end is a file of the host
find_outlet() {
	for path in /sys/class/tty/ttyS*; do
		case $(readlink -f "$path/device") in
		*/pci*) outlet=/dev/${path##*/} ;;
		esac
	done
	stty -F "$outlet" raw -echo
}

guest() {
	check "there is a way out for reports" find_outlet || return
	echo '127.0.0.1 localhost' >/etc/hosts
	echo "InitiatorName=$IQN" >/etc/iscsi/initiatorname.iscsi
	mkdir -p /report
	uname -r >/report/kernel
	iscsiadm --version >/report/open-iscsi
	while read -r id <&4; do
		try_initiator "$id"
		[ ! -e /run/spoiled ] || break
	done 4</scenario/slice
	cp /run/iscsid.log /report/iscsid.log
	tar -C /report -c . >"$outlet"
	ok "the last check was $id"
}
