# Two guests, every type: who can read and write is exactly the access table; then a fence under fire.

guests='a b'
kernel_log_expected='reservation conflict'

# The first byte of each of 64 blocks of LUN 1, as one word of hex.
host_pattern() {
	for block in $(seq 1 64); do
		od -An -tx1 -j $((block * 4096)) -N 1 "$work/lun1.img" | tr -d ' \n'
	done
}

# outcome NAME yes|no COMMAND...: works, or is refused with EBADE
outcome() {
	if [ "$2" = yes ]; then
		name=$1
		shift 2
		check "$name" "$@"
	else
		name=$1
		shift 2
		check_fails "$name: EBADE" 'invalid exchange' "$@"
	fi
}

# type (SCSI), ioctl type, stranger reads, registrant reads, registrant writes; strangers never write
table='1:1:yes:yes:no 3:2:no:no:no 5:3:yes:yes:yes 6:4:no:yes:yes 7:5:yes:yes:yes 8:6:no:yes:yes'

guest_a() {
	check "a registers" pr_ioctl "$dev" register 0 0xaa
	for row in $table; do
		IFS=: read -r scsi type _ <<-ROW
			$row
		ROW
		check "a reserves type $scsi" pr_ioctl "$dev" reserve 0xaa "$type"
		barrier "reserved $scsi"
		outcome "holder of type $scsi reads" yes read_block "$dev" 1
		outcome "holder of type $scsi writes" yes write_block "$dev" 1 a0
		barrier "tried $scsi"
		check "a releases type $scsi" pr_ioctl "$dev" release 0xaa "$type"
		barrier "released $scsi"
	done
}

guest_b() {
	for row in $table; do
		IFS=: read -r scsi type stranger_reads registrant_reads registrant_writes <<-ROW
			$row
		ROW
		barrier "reserved $scsi"
		outcome "stranger under type $scsi reads" "$stranger_reads" read_block "$dev" 1
		outcome "stranger under type $scsi writes" no write_block "$dev" 2 b0
		check "b registers under type $scsi" pr_ioctl "$dev" register 0 0xbb
		outcome "registrant under type $scsi reads" "$registrant_reads" read_block "$dev" 1
		outcome "registrant under type $scsi writes" "$registrant_writes" \
			write_block "$dev" 2 b1
		check_fails "b cannot reserve against a (type $scsi)" 'conflict|^0$' \
			sh -c 'pr_ioctl '"$dev"' reserve 0xbb 1'
		check "b unregisters under type $scsi" pr_ioctl "$dev" register 0xbb 0
		barrier "tried $scsi"
		barrier "released $scsi"
	done
}

# b writes without pause; a preempts and aborts it; from then on no block of b's may change.
fence_a() {
	check "a registers again" pr_ioctl "$dev" register 0xaa 0xaa
	barrier "b writes"
	usleep 1500000
	check "a fences b with PREEMPT_ABORT" pr_ioctl "$dev" preempt_abort 0xaa 0xbb 3
	host pattern
	after=$answer
	usleep 2000000
	barrier "b is fenced"
	host pattern
	check_equal "no block changed after PREEMPT_ABORT had returned" "$after" "$answer"
	case $after in
	*[c-d]*) ok "b had been writing" ;;
	*) fail "b had not written anything: $after" ;;
	esac
}

fence_b() {
	check "b registers for the fence" pr_ioctl "$dev" register 0 0xbb
	check "b reserves for registrants" pr_ioctl "$dev" reserve 0xbb 3
	barrier "b writes"
	byte=0
	tries=0
	while [ $tries -lt 2000 ]; do
		byte=$(((byte + 1) % 32))
		block=$((tries % 64 + 1))
		write_block "$dev" $block "$(printf '%x' $((192 + byte)))" >/tmp/out 2>&1 || break
		tries=$((tries + 1))
	done
	if [ $tries -lt 2000 ] && grep -qi 'invalid exchange' /tmp/out; then
		ok "b's writes are refused after $tries of them"
	else
		fail "b was not fenced: $(tail -n 1 /tmp/out)"
	fi
	barrier "b is fenced"
}

guest() {
	log_in || return
	dev=$disk1
	guest_"$GUEST"
	fence_"$GUEST"
	log_out
}
