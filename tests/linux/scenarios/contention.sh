# Two guests, every type: who can read and write is exactly the access table; then a fence under fire.

guests='a b'
kernel_log_expected='reservation conflict'

# The blocks that b writes, as the backing file has them.
fenced_first=256
fenced_count=2048
host_fenced_blocks() {
	dd if="$work/lun1.img" bs=4096 skip=$fenced_first count=$fenced_count status=none | sha256sum
}
host_fenced_blocks_written() {
	dd if="$work/lun1.img" bs=4096 skip=$fenced_first count=$fenced_count status=none | tr -d '\0' | wc -c
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
		check_fails "$name: refused" 'invalid exchange|reservation conflict' "$@"
	fi
}

# SCSI's type, the ioctl's, stranger reads, registrant reads, registrant writes; strangers never write
table='1:1:yes:yes:no 3:2:no:no:no 5:3:yes:yes:yes 6:4:no:yes:yes 7:5:yes:yes:yes 8:6:no:yes:yes'

# can WHO reads writes: what the table says, of each class of commands; the rest is open to all.
# (/sbin/blkdiscard: busybox prefers its own to what is in PATH.)
can() {
	outcome "$1 reads" "$2" read_block "$dev" 1
	outcome "$1 writes" "$3" write_block "$dev" 2 b0
	outcome "$1 unmaps" "$3" /sbin/blkdiscard -f -o 1048576 -l 1048576 "$dev"
	outcome "$1 writes zeroes" "$3" /sbin/blkdiscard -f -z -o 1048576 -l 4096 "$dev"
	outcome "$1 synchronizes the cache" "$3" sg_sync "$dev"
	check "$1 may ask: TEST UNIT READY, INQUIRY, REPORT LUNS, READ CAPACITY, PR IN" sh -c \
		"sg_turs $dev && sg_inq $dev && sg_luns $dev && sg_readcap -16 $dev && sg_persist -i -k $dev"
}

# The kernel asks for the capacity anew, and keeps it.
rescan() {
	echo 1 >"/sys/block/${dev##*/}/device/rescan"
	[ "$(blockdev --getsize64 "$dev")" = 67108864 ]
}

guest_a() {
	check "a registers" pr_ioctl "$dev" register 0 0xaa
	for row in $table; do
		IFS=: read -r scsi type _ <<-ROW
			$row
		ROW
		check "a reserves type $scsi" pr_ioctl "$dev" reserve 0xaa "$type"
		barrier "reserved $scsi"
		can "holder of type $scsi" yes yes
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
		can "stranger under type $scsi" "$stranger_reads" no
		check "stranger under type $scsi keeps the capacity" rescan
		check "b registers under type $scsi" pr_ioctl "$dev" register 0 0xbb
		can "registrant under type $scsi" "$registrant_reads" "$registrant_writes"
		# Under the all-registrants types b holds it too, as that type only.
		check_fails "b cannot reserve another type than $scsi" conflict \
			pr_ioctl "$dev" reserve 0xbb $((type == 1 ? 2 : 1))
		check "b unregisters under type $scsi" pr_ioctl "$dev" register 0xbb 0
		barrier "tried $scsi"
		barrier "released $scsi"
	done
}

# b writes without pause, eight commands at a time; a preempts and aborts it; from then on no block of
# b's may change. In every other round the daemon stands still for a moment, so that b's writes and the
# PREEMPT AND ABORT come to it together.
rounds='1 2 3 4'

fence_a() {
	check "a registers again" pr_ioctl "$dev" register 0xaa 0xaa
	for round in $rounds; do
		barrier "b reserved, round $round"
		barrier "b writes, round $round"
		[ $((round % 2)) = 1 ] || host freeze_behind 0.5
		check "a fences b with PREEMPT_ABORT, round $round" \
			pr_ioctl "$dev" preempt_abort 0xaa 0xbb 3
		host fenced_blocks
		after=$answer
		barrier "b is fenced, round $round"
		host fenced_blocks
		check_equal "no block changed after PREEMPT_ABORT had returned, round $round" \
			"$after" "$answer"
		host fenced_blocks_written
		check "b had been writing" [ "$answer" -gt 4096 ]
		# b's kernel may have reset the LUN, of which a is told first.
		check "a releases, round $round" wait_for 10 pr_ioctl "$dev" release 0xaa 3
	done
}

fence_b() {
	# A write that was aborted for another nexus is not answered (TAS=0): b's kernel finds out by its
	# own clock, here after 3 s rather than 30.
	echo 3 >"/sys/block/${dev##*/}/device/timeout"
	echo 3 >"/sys/block/${dev##*/}/device/eh_timeout"
	for round in $rounds; do
		check "b registers for the fence, round $round" pr_ioctl "$dev" register 0 0xbb
		wait_for 10 pr_ioctl "$dev" reserve 0xbb 3
		barrier "b reserved, round $round"
		start_io "$dev" $fenced_first $fenced_count 8
		io_goes_on "b writes, round $round"
		barrier "b writes, round $round"
		wait "$io_pid"
		result=$(cat /tmp/io.result)
		# A thread that saw the first refusal before it wrote again has none of its own.
		case $result in
		*" errors "[1-8]" mismatches 0 "*EBADE) ok "b's writes are refused, what was acknowledged is there, round $round ($result)" ;;
		*) fail "b was not fenced as it should, round $round: $result" ;;
		esac
		barrier "b is fenced, round $round"
	done
}

guest() {
	log_in || return
	dev=$disk1
	guest_"$GUEST"
	fence_"$GUEST"
	log_out
}
