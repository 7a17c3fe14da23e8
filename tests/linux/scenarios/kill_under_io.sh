# kill -9 of the daemon under verified I/O, and a daemon frozen for 15 s: I/O goes on, nothing is lost.

kernel_log_expected='detected conn error|ping timeout'

# registrations_kept NAME: here and on the host everything is as it was before
registrations_kept() {
	check_says "$1: the reservation is unchanged" 'Key=0xfeed' \
		sg_persist --in --read-reservation "$disk"
	host registrations 0
	check_equal "$1: so is the registration, on the host" "$registrations" "$answer"
}

guest() {
	log_in || return
	check "register with APTPL" pr_ioctl "$disk" register 0 0xfeed
	check "reserve" pr_ioctl "$disk" reserve 0xfeed 3
	host registrations 0
	registrations=$answer
	session=$(ls /sys/class/iscsi_session)
	start_io "$disk"
	for round in 1 2 3 4; do
		io_goes_on "I/O is under way, round $round"
		check "kill -9 and restart, round $round" host kill_and_restart
		io_goes_on "I/O goes on after kill -9, round $round"
		registrations_kept "round $round"
	done
	check "the daemon stands still for 15 s" host freeze 15
	io_goes_on "I/O goes on after a frozen daemon"
	registrations_kept "after the freeze"
	stop_io "no error below the replacement timeout, every block is what was acknowledged"
	check_says "the kernel had lost the connection" 'detected conn error' dmesg
	check_equal "it is the session that it was" "$session" "$(ls /sys/class/iscsi_session)"
	log_out
}
