# shellcheck shell=bash disable=SC2154 # work, log_folder, target, portals: of the runner
# The daemon under test, and what guests may ask of the host: host_NAME is called with `host NAME`.

start_daemon() {
	local ready
	rm -f "$work/ready"
	mkfifo "$work/ready"
	"$HOLDFASTD" -c "$work/holdfast.conf" >"$work/ready" 2>>"$log_folder/daemon" &
	daemon_pid=$!
	read -r -t 60 ready <"$work/ready" || ready=
	control=$(sed -n 's/.*"control": *"\([^"]*\)".*/\1/p' <<<"$ready")
	mapfile -t portals < <(sed -n 's/.*"portals": *\[\([^]]*\)\].*/\1/p' <<<"$ready" |
		tr ',' '\n' | tr -d '" ')
	note "daemon: $ready"
	[ -n "$ready" ]
}

kill_daemon() {
	kill -KILL "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=
}

# Ends it as its user would; its exit status tells whether it thinks that all is well.
stop_daemon() {
	[ -n "$daemon_pid" ] || return 0
	kill -TERM "$daemon_pid" 2>/dev/null
	if wait "$daemon_pid"; then
		on_check ok "the daemon stopped with status 0"
	else
		on_check fail "the daemon stopped with status $?: $(tail -n 1 "$log_folder/daemon")"
	fi
	daemon_pid=
}

# On the same ports and state
restart_daemon() {
	[ -z "$daemon_pid" ] || kill_daemon
	for i in "${!portals[@]}"; do
		sed -i "s|127.0.0.1:0\"; *# $i\$|${portals[$i]}\"; # $i|" "$work/holdfast.conf"
	done
	start_daemon
}

# The daemon's configuration, unless the scenario has its own: one LUN of each profile.
config() {
	cat <<CONF
state_dir = "$work/state";
portals = ( {
  address = "127.0.0.1:0"; # 0
  advertise = "10.0.2.2:0";
  group = 1;
} );
targets = ( {
  name = "$target";
  luns = (
    { number = 0; backing = "file"; path = "$work/lun0.img"; size = "256M"; profile = "dlt-s4"; thin = true; },
    { number = 1; backing = "file"; path = "$work/lun1.img"; size = "64M"; profile = "spc4"; thin = true; }
  );
} );
CONF
}

host_restart() { restart_daemon; }
host_kill_and_restart() { kill_daemon && restart_daemon; }

# freeze SECONDS: the daemon stands still, while the guest waits
host_freeze() {
	kill -STOP "$daemon_pid"
	sleep "$1"
	kill -CONT "$daemon_pid"
}

# freeze_behind SECONDS: the same, while the guest goes on
host_freeze_behind() {
	kill -STOP "$daemon_pid"
	(sleep "$1" && kill -CONT "$daemon_pid") &
}

# cable GUEST NUMBER on|off: of one network card, as if pulled
host_cable() { printf 'set_link net%s %s\n' "$2" "$3" >"$work/$1-monitor.in"; }

# pull_the_plug GUEST
host_pull_the_plug() { kill -KILL "${qemu_pids[$1]}"; }

# holdfast ARGUMENT...: the command line tool, asking the daemon under test
host_holdfast() { "$HOLDFAST" "$@" --control "$control"; }

# The first registrations of LUN $1, a word each: KEY/INITIATOR/ISID/PORT, "*" for holders
host_registrations() { host_holdfast pr show "$1" --json | registration_words; }
registration_words() {
	tr -d ' \n' | sed 's/.*"registrations":\[//; s/},{/}\n{/g' | awk '
		function value(name,  v) {
			if (!match($0, "\"" name "\":\"?[^,\"}]*")) return "";
			v = substr($0, RSTART, RLENGTH); sub(/^"[a-z_]*":"?/, "", v); return v }
		/"key"/ { print value("key") "/" value("initiator") "/" value("isid") "/" \
			value("port") (value("holder") == "true" ? "*" : "") }' | sort
}
