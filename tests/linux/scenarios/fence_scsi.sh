# fence_scsi: two guests as cluster nodes; "on", "off" by the other, the fenced node's writes fail.

guests='a b'
kernel_log_expected='reservation conflict'

agent() { # action node
	fence_scsi --action="$1" --plug="$2" --key="$(key_of "$2")" --devices="$dev" \
		--logfile=/tmp/fence.log
}
key_of() { [ "$1" = a ] && echo 11110001 || echo 11110002; }

guest() {
	log_in || return
	dev=$disk1
	mkdir -p /var/run/cluster /run/cluster
	check "fence_scsi on, node $GUEST" agent on "$GUEST"
	barrier "both on"
	check_says "both keys are registered" "0x$(key_of b)" sg_persist --in --read-keys "$dev"
	check "node $GUEST writes" write_block "$dev" 1 71
	barrier "both wrote"
	if [ "$GUEST" = a ]; then
		check "node a fences node b" agent off b
		barrier "b is off"
		check "node a still writes" write_block "$dev" 1 72
	else
		barrier "b is off"
		check_fails "the fenced node cannot write" 'invalid exchange' write_block "$dev" 1 73
	fi
	barrier "b was refused"
	if [ "$GUEST" = b ]; then
		check "node b unfences itself" agent on b
		check "and writes again" write_block "$dev" 1 74
	fi
	barrier "b is on"
	log_out
}
