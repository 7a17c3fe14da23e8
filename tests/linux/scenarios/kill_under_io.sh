# kill -9 of the daemon under verified I/O, and a daemon frozen for 15 s: I/O goes on, nothing is lost.

kernel_log_expected='reservation conflict|detected conn error|connection[0-9]*:0|ping timeout'

host_kill_and_restart() {
	kill_daemon
	restart_daemon
}
host_freeze() {
	kill -STOP "$daemon_pid"
	sleep "$1"
	kill -CONT "$daemon_pid"
}

# Writes blocks 1000..1000+n with their own number, and notes how far it got.
writer() {
	n=0
	while [ ! -e /tmp/stop ]; do
		printf '%08d' $n >/tmp/line
		head -c 4088 /dev/zero >>/tmp/line
		if ! dd if=/tmp/line of="$disk" bs=4096 count=1 seek=$((1000 + n)) oflag=direct \
			conv=notrunc 2>/tmp/writer-error; then
			echo error >/tmp/writer-failed
			return
		fi
		n=$((n + 1))
		echo $n >/tmp/written
	done
}

verify() {
	written=$(cat /tmp/written)
	bad=0
	n=0
	while [ $n -lt "$written" ]; do
		got=$(dd if="$disk" bs=4096 count=1 skip=$((1000 + n)) iflag=direct 2>/dev/null | head -c 8)
		[ "$got" = "$(printf '%08d' $n)" ] || bad=$((bad + 1))
		n=$((n + 1))
	done
	check_equal "every one of $written acknowledged blocks is there" 0 "$bad"
}

guest() {
	start_iscsid
	check "discovery" discover
	setting node.conn[0].timeo.noop_out_interval 2
	setting node.conn[0].timeo.noop_out_timeout 3
	check "login" iscsiadm -m node -T "$TARGET" -p "$portal" --login || return
	wait_for 30 find_disk 0
	check "register with APTPL" pr_ioctl "$disk" register 0 0xfeed
	check "reserve" pr_ioctl "$disk" reserve 0xfeed 3
	writer &
	for round in 1 2 3; do
		usleep 1500000
		before=$(cat /tmp/written)
		check "kill -9 and restart, round $round" host kill_and_restart
		if wait_for 60 sh -c "[ \$(cat /tmp/written) -gt $((before + 3)) ]"; then
			ok "I/O goes on after kill -9, round $round"
		else
			fail "I/O stands still after kill -9, round $round"
		fi
		check_says "the reservation is unchanged, round $round" 'Key=0xfeed' \
			sg_persist --in --read-reservation "$disk"
	done
	before=$(cat /tmp/written)
	check "the daemon stands still for 15 s" host freeze 15
	if wait_for 60 sh -c "[ \$(cat /tmp/written) -gt $((before + 3)) ]"; then
		ok "I/O goes on after a frozen daemon"
	else
		fail "I/O stands still after a frozen daemon"
	fi
	touch /tmp/stop
	wait
	if [ -e /tmp/writer-failed ]; then
		fail "a write failed: $(cat /tmp/writer-error)"
	else
		ok "no write failed below the replacement timeout"
	fi
	verify
	log_out
}
