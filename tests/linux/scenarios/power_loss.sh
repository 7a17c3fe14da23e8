# A guest that holds a reservation loses power; the other one preempts it and goes on.

guests='a b'
# Under Exclusive Access the kernel of a stranger cannot look for partitions.
kernel_log_expected='reservation conflict|Buffer I/O error'
may_vanish=yes

guest() {
	log_in || return
	dev=$disk1
	if [ "$GUEST" = a ]; then
		check "a registers" pr_ioctl "$dev" register 0 0xaa
		check "a reserves" pr_ioctl "$dev" reserve 0xaa 2
		check "a writes" write_block "$dev" 1 a1
		barrier "a holds it"
		usleep 600000000
	fi
	barrier "a holds it"
	check_fails "b is refused while a is alive" 'invalid exchange' write_block "$dev" 1 b1
	host pull_the_plug a
	check_fails "and still refused when a is dead" 'invalid exchange' write_block "$dev" 1 b1
	check "b registers" pr_ioctl "$dev" register 0 0xbb
	check_fails "b is registered, but not the holder" 'invalid exchange' write_block "$dev" 1 b1
	check "b preempts" pr_ioctl "$dev" preempt_abort 0xbb 0xaa 2
	check "b writes" write_block "$dev" 1 b1
	check_says "only b is left" '^  *0xbb' sg_persist --in --read-keys "$dev"
	check_equal "a's key is gone" 0 "$(sg_persist --in --read-keys "$dev" | grep -c 0xaa)"
	log_out
}
