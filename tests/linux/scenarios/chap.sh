# open-iscsi proves itself with CHAP, one-way and mutual, with each digest that it has; and sees its LUN alone.

kernel_log_expected='conn error|authentication|Login|detected conn error|connection[0-9]*:0'

config() {
	(umask 077 && printf 'guest guests-secret-00\ndisk disks-secret-000\n' >"$work/secrets")
	cat <<CONF
state_dir = "$work/state";
secrets = "$work/secrets";
discovery_user = "guest";
discovery_mutual = "disk";
portals = ( {
  address = "127.0.0.1:0"; # 0
  advertise = "10.0.2.2:0";
} );
targets = ( {
  name = "$target";
  mutual = "disk";
  initiators = ( { name = "iqn.2026-11.test.guest:a"; user = "guest"; luns = [1]; } );
  luns = (
    { number = 0; backing = "memory"; size = "16M"; },
    { number = 1; backing = "memory"; size = "16M"; }
  );
} );
CONF
}

# The same for discovery, whose settings are read from the file.
write_iscsid_conf() { # secret secret-of-the-disk
	cat >/etc/iscsi/iscsid.conf <<CONF
discovery.sendtargets.auth.authmethod = CHAP
discovery.sendtargets.auth.username = guest
discovery.sendtargets.auth.password = $1
discovery.sendtargets.auth.username_in = disk
discovery.sendtargets.auth.password_in = $2
node.session.auth.authmethod = CHAP
node.session.auth.username = guest
node.session.auth.password = guests-secret-00
node.session.initial_login_retry_max = 1
CONF
}

try_login() { iscsiadm -m node -T "$TARGET" -p "$portal" --login; }
no_record() { iscsiadm -m discoverydb -t sendtargets -p "$portal" -o delete; }

guest() {
	write_iscsid_conf wrong-secret-00 disks-secret-000
	start_iscsid
	check_fails "discovery with a wrong secret" 'authentication|authorization' discover
	no_record
	write_iscsid_conf guests-secret-00 wrong-secret-000
	check_fails "discovery from a target with a wrong secret" 'login failure|authentication' discover
	no_record
	write_iscsid_conf guests-secret-00 disks-secret-000
	check "discovery, proven both ways" discover || return

	for digest in MD5 SHA1 SHA256 SHA3-256; do
		setting node.session.auth.chap_algs "$digest"
		setting node.session.auth.username_in ''
		setting node.session.auth.password_in ''
		if ! try_login >/tmp/out 2>&1 && grep -qi 'invalid\|unsupported' /tmp/out; then
			skip "this open-iscsi has no $digest"
			continue
		fi
		check_says "a session with $digest" "$TARGET" iscsiadm -m session
		check "logout" iscsiadm -m node -T "$TARGET" --logout
		setting node.session.auth.username_in disk
		setting node.session.auth.password_in disks-secret-000
		check "login, proven both ways with $digest" try_login
		wait_for 30 find_disk 1
		check "its own LUN can be written" write_block "$disk" 0 5a
		check_equal "there is no other" 1 \
			"$(ls -d /sys/class/scsi_device/*/device/block/* | wc -l)"
		check "logout" iscsiadm -m node -T "$TARGET" --logout
	done
	setting node.session.auth.password wrong-secret-00
	check_fails "login with a wrong secret" 'authorization|authentication' try_login
	# open-iscsi offers CHAP as long as it has a user and a password.
	setting node.session.auth.authmethod None
	for name in username password username_in password_in; do
		setting node.session.auth.$name ''
	done
	check_fails "login without a proof" 'authorization|authentication' try_login
}
