# One guest, two networks to two portal groups, multipathd with a reservation key; a portal stops under I/O.

cards=2
kernel_log_expected='detected conn error|ping timeout|NIC Link|session recovery timed out|device-mapper: multipath|rejecting I/O|I/O error, dev sd|reservation conflict error, dev sd|reservation conflict$|Power-on or device reset'

config() {
	cat <<CONF
state_dir = "$work/state";
portals = (
  { address = "127.0.0.1:0"; # 0
    advertise = "10.0.2.2:0"; group = 1; },
  { address = "127.0.0.1:0"; # 1
    advertise = "10.0.3.2:0"; group = 2; }
);
targets = ( {
  name = "$target";
  luns = ( { number = 0; backing = "file"; path = "$work/lun0.img"; size = "64M"; profile = "spc4"; } );
} );
CONF
}

active_paths() { multipathd show paths format '%d %t %T' | grep -c 'active.*ready'; }
paths_are() { [ "$(active_paths)" = "$1" ]; }
have_paths() { # count, name
	if wait_for 90 paths_are "$1"; then
		ok "$2"
	else
		fail "$2: $(multipathd show paths | tr '\n' '|')"
		return 1
	fi
}

# registrations_are NAME COUNT: of our key, as sg_persist, mpathpersist and the host see them
registrations_are() {
	wait_for 30 registered "$2"
	check_equal "$1: registrations, says mpathpersist" "$2" "$(mpathpersist --in -k "$map" | grep -c '0x123abc$')"
	check_equal "$1: registrations, says sg_persist" "$2" "$(sg_persist --in -k "$map" | grep -c '0x123abc$')"
	host registrations 0
	check_equal "$1: registrations, says the host" "$2" "$(echo "$answer" | tr ' ' '\n' | grep -c "^0x0*123abc/$IQN/")"
}
registered() { [ "$(mpathpersist --in -k "$map" | grep -c '0x123abc$')" = "$1" ]; }

# The disk behind the portal on network $1: /dev/sdX in $disk
disk_on_network() {
	for path in /sys/class/iscsi_session/session*; do
		session=${path##*session}
		grep -q "10.0.$1.2" /sys/class/iscsi_connection/connection"$session":0/persistent_address || continue
		disk=/dev/$(ls "$path"/device/target*/*:0/block)
		return
	done
	return 1
}

start_multipath() {
	mkdir -p /etc/multipath
	cat >/etc/multipath.conf <<CONF
defaults {
	user_friendly_names yes
	find_multipaths no
	reservation_key 0x123abc
	path_checker tur
	polling_interval 2
	fast_io_fail_tmo 5
	no_path_retry queue
}
CONF
	check "multipathd starts" multipathd
	have_paths 2 "multipath has two active paths" || return
	map=/dev/mapper/$(ls /dev/mapper | grep -v control | head -n 1)
}

# A portal is gone for 30 s. While it is, its registration is preempted over the other path: what is
# there when it is back, multipathd has registered.
stop_portal() { # its network
	other=$((5 - $1))
	disk_on_network "$other"
	check "portal $1: its cable is pulled" host cable "$GUEST" $(($1 - 2)) off
	io_goes_on "portal $1 is gone: I/O goes on"
	have_paths 1 "portal $1 is gone: one path is left"
	check "portal $1: its registration is preempted" sg_persist --out --preempt \
		--param-rk=0x123abc --param-sark=0x123abc --prout-type=5 "$disk"
	registrations_are "portal $1 is gone" 1
	check "portal $1: its cable is back" host cable "$GUEST" $(($1 - 2)) on
	have_paths 2 "portal $1 is back: two paths"
	registrations_are "portal $1 is back" 2
	disk_on_network "$1"
	check "portal $1 is back: its path writes" write_block "$disk" 1 63
	io_goes_on "portal $1 is back: I/O goes on"
}

# The sessions' own logout and login: a new ISID, so the old registration stays behind.
new_session() {
	check "one path is logged out" iscsiadm -m node -T "$TARGET" -p "$portal2" --logout
	io_goes_on "I/O goes on on the other"
	check "the path logs in again" iscsiadm -m node -T "$TARGET" -p "$portal2" --login
	have_paths 2 "the new path is taken up"
	registrations_are "with the one that stayed behind" 3
}

guest() {
	start_udev
	start_iscsid
	check "discovery finds both portals" discover
	check_equal "two node records" 2 "$(iscsiadm -m node | wc -l)"
	setting node.session.timeo.replacement_timeout 5
	check "login to both" iscsiadm -m node -T "$TARGET" --login || return
	start_multipath || return
	check "mpathpersist registers" mpathpersist --out --register --param-sark=0x123abc "$map"
	registrations_are "after registering" 2
	check "mpathpersist reserves" \
		mpathpersist --out --reserve --param-rk=0x123abc --prout-type=5 "$map"
	check_says "it reads the reservation" 'Key = 0x123abc' mpathpersist --in -r "$map"
	start_io "$map"
	stop_portal 3
	stop_portal 2
	new_session
	stop_io "no error on the map, every block is what was acknowledged"

	check "mpathpersist preempts itself to another type" mpathpersist --out --preempt \
		--param-rk=0x123abc --param-sark=0x123abc --prout-type=6 "$map"
	check_says "the type has changed" 'Exclusive Access, registrants only' mpathpersist --in -r "$map"
	check "mpathpersist releases, down every path" \
		mpathpersist --out --release --param-rk=0x123abc --prout-type=6 "$map"
	check_says "nothing is reserved" 'NO reservation' mpathpersist --in -r "$map"
	check "writes go through" write_block "$map" 4 64
	check "mpathpersist clears" mpathpersist --out --clear --param-rk=0x123abc "$map"
	check_says "nothing is registered" '0 registered' mpathpersist --in -k "$map"
}
