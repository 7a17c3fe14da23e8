-- Duplicate keys: one key for all paths of a node, and what PREEMPT makes of it
-- profiles: spc4 dlt-s4
--
-- Multipath tools register one key for all paths of a host: each path is an I_T nexus and has a
-- registration of its own. READ KEYS shows the key once for each. A PREEMPT that names the key
-- removes all of them with one command, which is just what fencing a host with many paths needs.

local path1 = initiator {label = "path-1", name = "iqn.2026-11.io.holdfast:host", isid = "800000000011"}
local path2 = initiator {label = "path-2", name = "iqn.2026-11.io.holdfast:host", isid = "800000000012"}
local other = initiator "other"
up(path1, path2, other)

expect(path1:register(0xaa), "good")
expect(path2:register(0xaa), "good")
expect(other:register(0xbb), "good")
expect_keys(other, {0xaa, 0xaa, 0xbb})

note "the same key does not make the same holder"
expect(path1:reserve "EA", "good")
expect(path2:reserve "EA", "conflict")
expect(path2:read(0), "conflict")
expect(path2:release "EA", "good") -- of a registrant that holds nothing: GOOD, and nothing happens
expect_holder(other, "EA", 0xaa)

note "one PREEMPT fences the whole host"
expect(other:preempt(0xaa, "EA"), "good")
expect_attention(path1, "preempted")
expect_attention(path2, "preempted")
expect_keys(other, {0xbb})
expect(path1:write(0), "conflict")
expect(path2:write(0), "conflict")
