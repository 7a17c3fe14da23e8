# One guest, two portals in two portal groups, multipathd with a reservation key; one path dies and returns.

kernel_log_expected='reservation conflict|detected conn error|connection[0-9]*:0|ping timeout|device-mapper: multipath|rejecting I/O|Power-on or device reset'

config() {
	cat <<CONF
state_dir = "$work/state";
portals = (
  { address = "127.0.0.1:0"; # 0
    advertise = "10.0.2.2:0"; group = 1; },
  { address = "127.0.0.1:0"; # 1
    advertise = "10.0.2.2:0"; group = 2; }
);
targets = ( {
  name = "$target";
  luns = ( { number = 0; backing = "file"; path = "$work/lun0.img"; size = "64M"; profile = "spc4"; } );
} );
CONF
}

paths_active() { multipathd show paths format '%d %t' | grep -c 'active'; }

guest() {
	start_udev
	start_iscsid
	check "discovery finds both portals" discover
	check_equal "two node records" 2 "$(iscsiadm -m node | wc -l)"
	check "login to both" iscsiadm -m node -T "$TARGET" --login || return
	mkdir -p /etc/multipath
	cat >/etc/multipath.conf <<CONF
defaults {
	user_friendly_names yes
	find_multipaths no
	reservation_key 0x123abc
	path_checker tur
	polling_interval 2
	no_path_retry queue
}
CONF
	multipathd
	if wait_for 90 sh -c '[ "$(multipathd show paths format "%d %t" | grep -c active)" = 2 ]'; then
		ok "multipath has two active paths"
	else
		fail "multipath paths: $(multipathd show paths | tr '\n' '|') $(multipath -v3 2>&1 | tail -n 5 | tr '\n' '|')"
		return
	fi
	map=/dev/mapper/$(ls /dev/mapper | grep -v control | head -n 1)
	check "mpathpersist registers" mpathpersist --out --register --param-sark=0x123abc "$map"
	check_says "both paths are registered" 'Key = 0x123abc|0x123abc' mpathpersist --in -k "$map"
	check_equal "two registrations" 2 "$(mpathpersist --in -k "$map" | grep -c 0x123abc)"
	check "mpathpersist reserves" \
		mpathpersist --out --reserve --param-rk=0x123abc --prout-type=5 "$map"
	check_says "it reads the reservation" '0x123abc' mpathpersist --in -r "$map"
	check "writes go through" write_block "$map" 1 61

	session=$(iscsiadm -m session | sed -n 's/^tcp: \[\([0-9]*\)\].*,2 .*/\1/p' | head -n 1)
	check "one path is logged out" iscsiadm -m session -r "$session" --logout
	check "I/O goes on on the other" write_block "$map" 2 62
	check "the path logs in again" iscsiadm -m node -T "$TARGET" -p "$HOST:$PORT2" --login
	if wait_for 60 sh -c '[ "$(multipathd show paths format "%d %t" | grep -c active)" = 2 ]'; then
		ok "the path is back"
	else
		fail "the path did not come back: $(multipathd show paths | tr '\n' '|')"
	fi
	check "I/O goes on on both" write_block "$map" 3 63
	# A new login has a new ISID: a third registration, and the path's old one stays behind.
	if wait_for 30 sh -c '[ "$(mpathpersist --in -k '"$map"' | grep -c 0x123abc)" = 3 ]'; then
		ok "the path that came back is registered again"
	else
		fail "registrations after the path came back: $(mpathpersist --in -k "$map" | tr '\n' '|')"
	fi
	check "mpathpersist preempts itself to another type" mpathpersist --out --preempt \
		--param-rk=0x123abc --param-sark=0x123abc --prout-type=6 "$map"
	check_says "the type has changed" 'Exclusive Access, registrants only' mpathpersist --in -r "$map"
	check "I/O goes on after the preempt" write_block "$map" 4 64
	check "mpathpersist releases" \
		mpathpersist --out --release --param-rk=0x123abc --prout-type=6 "$map"
	check "mpathpersist clears" mpathpersist --out --clear --param-rk=0x123abc "$map"
	check_says "nothing is registered" '0 registered' mpathpersist --in -k "$map"
}
