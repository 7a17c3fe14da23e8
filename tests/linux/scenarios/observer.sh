# open-iscsi under the observer: discovery, reads, writes, resets, digests, and nothing that it does wrong

config() {
	cat <<CONF
state_dir = "$work/state";
portals = ( {
  address = "127.0.0.1:0"; # 0
  advertise = "10.0.2.2:0";
} );
targets = ( {
  name = "$target";
  observe = true;
  luns = (
    { number = 0; backing = "memory"; size = "64M"; },
    { number = 1; backing = "memory"; size = "64M"; profile = "spc4"; }
  );
} );
CONF
}

# The ids of the checks that say FAIL or WARN, in one line; all of it in the log.
host_blamed() {
	"$HOLDFAST" --control "$control" observe show >"$log_folder/observed" || return
	awk '$1 == "FAIL" || $1 == "WARN" { if ($2 ~ /\./) printf "%s ", $2 }' "$log_folder/observed"
}

work_on() { # disk
	check "write" dd if=/dev/urandom of="$1" bs=1M count=8 oflag=direct
	check "write small" dd if=/dev/urandom of="$1" bs=4k count=200 oflag=direct
	check "read" dd if="$1" of=/dev/null bs=1M count=8 iflag=direct
	check "reset the unit" sg_reset -d "$1"
	check "read behind the reset" dd if="$1" of=/dev/null bs=64k count=16 iflag=direct
}

guest() {
	log_in || return
	work_on "$disk"
	log_out
	setting node.session.iscsi.InitialR2T No
	setting node.session.iscsi.ImmediateData No
	setting node.conn[0].iscsi.HeaderDigest CRC32C
	setting node.conn[0].iscsi.DataDigest CRC32C
	check "login with both digests" iscsiadm -m node -T "$TARGET" -p "$portal" --login || return
	wait_for 30 find_disk 0
	work_on "$disk"
	log_out
	host blamed
	check_equal "what the observer blames" "" "$answer"
}
