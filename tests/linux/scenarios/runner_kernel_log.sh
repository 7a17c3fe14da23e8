# The runner itself: what must not be in a kernel's log fails the run; here it is put there on purpose.

guests='a b'
kernels=stock
must_fail='a: .*log:.*WARNING: CPU: 0
a: .*log:.*BUG: on purpose
a: .*log:.*blocked for more than 60
a: .*log:.*Kernel panic
a: .*log:.*Call Trace
a: a check that fails
a: the guest ended before its scenario was done: .*panic
b: .*log:.*reservation conflict$'

guest() {
	log_in || return
	if [ "$GUEST" = a ]; then
		check "a registers" pr_ioctl "$disk1" register 0 0xaa
		check "a reserves" pr_ioctl "$disk1" reserve 0xaa 1
		barrier "a holds it"
		barrier "b was refused"
		check "a check that fails" false
		echo '<4>WARNING: CPU: 0 PID: 1 on purpose' >/dev/kmsg
		echo '<2>BUG: on purpose' >/dev/kmsg
		echo '<3>INFO: task on_purpose:1 blocked for more than 60 seconds.' >/dev/kmsg
		echo c >/proc/sysrq-trigger
	else
		barrier "a holds it"
		# A conflict of the real kernel, in a scenario that expects none.
		check_fails "b is refused" 'invalid exchange' write_block "$disk1" 1 b1
		barrier "b was refused"
	fi
	log_out
}
