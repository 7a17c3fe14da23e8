# The guest's network is cut for 20 s under verified I/O on two sessions: both are reinstated.

kernel_log_expected='detected conn error|ping timeout|NIC Link'

guest() {
	log_in || return
	check "a second session" iscsiadm -m session -r 1 --op new
	wait_for 30 sh -c '[ $(ls -d /sys/class/scsi_device/*:0/device/block/* | wc -l) -ge 2 ]'
	for path in /sys/class/scsi_device/*:0/device/block/*; do
		[ "/dev/${path##*/}" = "$disk" ] || second=/dev/${path##*/}
	done
	check "the second session's disk can be read" wait_for 30 read_block "$second" 1
	check "register on the first session" pr_ioctl "$disk" register 0 0xa1
	check "register on the second" pr_ioctl "$second" register 0 0xa2
	check "reserve for registrants" pr_ioctl "$disk" reserve 0xa1 3
	host registrations 0
	registrations=$answer
	check_equal "two nexuses, two ISIDs" 2 "$(echo "$answer" | tr ' ' '\n' | cut -d/ -f3 | sort -u | grep -c 0x)"
	start_io "$disk" 256 2048 4
	first_io=$io_pid
	verified_io "$second" 8192 2048 4 /tmp/other >/tmp/other.result 2>&1 &
	second_io=$!
	for round in 1 2; do
		io_goes_on "I/O is under way, round $round"
		host cable "$GUEST" 0 off
		usleep 20000000
		host cable "$GUEST" 0 on
		before=$(cat /tmp/other)
		io_goes_on "I/O goes on after 20 s without network, round $round"
		check "so it does on the second session, round $round" \
			wait_for 60 sh -c "[ \$(cat /tmp/other) -gt $((before + 100)) ]"
		host registrations 0
		check_equal "both nexuses are who they were, round $round" "$registrations" "$answer"
	done
	io_pid=$first_io
	stop_io "no error on the first session, every block is what was acknowledged"
	touch /tmp/other.stop
	if wait $second_io; then
		ok "nor on the second ($(cat /tmp/other.result))"
	else
		fail "on the second session: $(cat /tmp/other.result)"
	fi
	check_says "the kernel had lost both connections" 'connection2:0: detected conn error' dmesg
	check_says "the reservation is still ours" 'Key=0xa1' sg_persist --in --read-reservation "$disk"
	check "and writes go through" write_block "$disk" 2 55
	log_out
}
