-- Two target ports: a registration is for one path
-- profiles: spc4 dlt-s4
-- target: ports=2
-- needs: own
--
-- An I_T nexus is an initiator port and a target port. A host that reaches the disk through two
-- target ports is two nexuses and has to register on each; one that registered through the first
-- only finds its writes refused through the second. Multipath tools that forget a path on failover
-- look exactly like this.

local path1 = initiator {label = "path-1", name = "iqn.2026-11.io.holdfast:host",
	isid = "800000000001", portal = 1}
local path2 = initiator {label = "path-2", name = "iqn.2026-11.io.holdfast:host",
	isid = "800000000001", portal = 2}
up(path1, path2)

expect(path1:register(0xaa), "good")
expect(path1:reserve "WE-RO", "good")
expect(path1:write(0), "good")
expect(path2:write(1), "conflict")
expect(path2:release {type = "WE-RO", key = 0xaa}, "conflict")

note "the second path registers with the same key"
expect(path2:register(0xaa), "good")
expect(path2:write(1), "good")
expect_keys(path1, {0xaa, 0xaa})

note "the reservation belongs to the first path all the same"
expect(path2:release "WE-RO", "good")
expect_holder(path2, "WE-RO", 0xaa)
expect(path1:release "WE-RO", "good")
expect_attention(path2, "reservations released")
