# Login, ext4, checksums over logout and login, digests, fstrim, stable names, the sg tools.
# (the sheet's kernel level for user 1; nothing here may print an error)

host_allocated() { stat -c %b "$work/lun0.img"; }

# udev's names for the disk, made from VPD 83
identity() {
	udevadm settle
	for link in /dev/disk/by-id/*; do
		[ "$(readlink -f "$link")" = "$disk" ] && echo "$link"
	done
}

guest() {
	start_udev
	log_in || return
	check_says "lsscsi names target and disk" "$TARGET.*$disk" /usr/bin/lsscsi -t
	identity >/tmp/identity.before
	check_equal "VPD 83 gives two names to /dev/disk/by-id" 2 \
		"$(grep -cE '/(wwn-0x3|scsi-1HOLDFAST)' /tmp/identity.before)"

	check "mkfs.ext4" mkfs.ext4 -q -F "$disk" || return
	check "mount" mount "$disk" /mnt
	head -c 20000000 /dev/urandom >/mnt/random
	sum=$(sha256sum </mnt/random)
	check "umount" umount /mnt
	log_out

	setting node.conn[0].iscsi.HeaderDigest CRC32C
	setting node.conn[0].iscsi.DataDigest CRC32C
	check "login with both digests" iscsiadm -m node -T "$TARGET" -p "$portal" --login || return
	wait_for 30 find_disk 0
	check_says "digests are in use" "DataDigest: CRC32C" iscsiadm -m session -P 2
	check "mount again" mount "$disk" /mnt
	check_equal "the file's checksum" "$sum" "$(sha256sum </mnt/random)"

	sync
	host allocated
	before=$answer
	rm /mnt/random
	sync
	check "fstrim" fstrim -v /mnt
	sync
	host allocated
	if [ "$answer" -lt "$before" ]; then
		ok "fstrim gives space back ($before -> $answer sectors)"
	else
		fail "fstrim gave nothing back ($before -> $answer sectors)"
	fi
	check "umount again" umount /mnt

	trouble='illegal request|invalid field|check condition|unable to|failed|sense key'
	for tool in "sg_inq" "sg_vpd -a" "sg_readcap -16" "sg_readcap" "sg_modes -a" "sg_opcodes" \
		"sg_luns" "sg_rtpg" "sg_turs" "sg_logs -a"; do
		# shellcheck disable=SC2086 # a command and its options
		if $tool "$disk" >/tmp/out 2>&1 &&
			! grep -qiE "$trouble" /tmp/out; then
			ok "$tool prints no error"
		else
			fail "$tool: $(grep -iE "$trouble" /tmp/out | head -n 2 | tr '\n' '|')"
		fi
	done
	log_out

	check "the daemon restarts" host restart
	check "login after the restart" iscsiadm -m node -T "$TARGET" -p "$portal" --login || return
	wait_for 30 find_disk 0
	check_equal "the same name after the restart" "$(cat /tmp/identity.before)" "$(identity)"
	log_out
}
