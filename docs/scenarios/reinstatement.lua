-- A session takes the place of one that hangs
-- profiles: spc4 dlt-s4
--
-- A host that was reset logs in again with the same name and ISID while the target still believes in
-- the old session. The new one replaces it (RFC 7143 6.3.5); to the reservation it is the same
-- nexus, which neither loses nor gains anything. What the old session had under way is lost.

local host = initiator {label = "host", name = "iqn.2026-11.io.holdfast:host", isid = "800000000001"}
local again = initiator {label = "again", name = "iqn.2026-11.io.holdfast:host", isid = "800000000001"}
local other = initiator "other"
up(host, other)
expect(host:register(0x1), "good")
expect(host:reserve "EA", "good")
local written = expect(host:write(3), "good")

note "the host was reset, and nobody has told the target"
again.sequence = host.sequence -- it is the same nexus: its writes count on
host:cut()
up(again)
expect_data(again, 3, written)
expect(again:release {type = "WE", key = 0x1}, "check 5/26/04")
expect(other:read(3), "conflict")
expect(again:release {type = "EA", key = 0x1}, "good")
expect(other:read(3), "good")
