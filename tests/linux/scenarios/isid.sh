# Two sessions of one initiator are two nexuses; a new ISID inherits nothing.

kernel_log_expected='reservation conflict|Buffer I/O error'

guest() {
	log_in || return
	first=$disk
	check "register on the first session" pr_ioctl "$first" register 0 0x51
	check "reserve on the first session" pr_ioctl "$first" reserve 0x51 2
	check "a second session" iscsiadm -m session -r 1 --op new
	wait_for 30 sh -c '[ $(ls -d /sys/class/scsi_device/*:0/device/block/* | wc -l) -ge 2 ]'
	for path in /sys/class/scsi_device/*:0/device/block/*; do
		[ "/dev/${path##*/}" = "$first" ] || second=/dev/${path##*/}
	done
	check_fails "the second session is another nexus" 'invalid exchange' write_block "$second" 1 22
	check "the first session goes on" write_block "$first" 1 11
	check "logout of both" iscsiadm -m node -T "$TARGET" --logout
	check "login again" iscsiadm -m node -T "$TARGET" -p "$portal" --login
	wait_for 30 find_disk 0
	check_says "the old key stays behind" '0x51' sg_persist --in --read-keys "$disk"
	check_fails "the new nexus inherits nothing" 'invalid exchange' write_block "$disk" 1 33
	check "register anew" pr_ioctl "$disk" register 0 0x52
	check "and preempt the stale one" pr_ioctl "$disk" preempt 0x52 0x51 2
	check "the disk can be written again" write_block "$disk" 1 44
	log_out
}
