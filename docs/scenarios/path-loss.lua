-- Path loss: a connection is cut, and the registration waits for its nexus
-- profiles: spc4 dlt-s4
--
-- A registration belongs to the I_T nexus, not to the TCP connection: the initiator port (name and
-- ISID) and the target port. When the same port logs in again it is registered still, and holds
-- what it held. The same host with another ISID is another nexus and has to register. (Some
-- initiators pick a new ISID after a restart; their old registration stays until somebody removes
-- it.)

local a, b = initiator "a", initiator "b"
local stranger = initiator {label = "a-again", name = a.name, isid = "8000000000ff"}
up(a, b)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "EA", "good")

note "the cable is pulled"
a:cut()
expect(b:write(0), "conflict")
expect_keys(b, {0xa, 0xb})
expect_holder(b, "EA", 0xa)

note "the same port comes back"
up(a)
expect(a:write(0), "good")
expect(a:reserve "EA", "good")

note "the same host with another ISID is a stranger"
up(stranger)
expect(stranger:read(0), "conflict")
expect(stranger:reserve {type = "EA", key = 0xa}, "conflict")

note "a logout in order takes nothing away either"
a:logout()
expect(b:read(0), "conflict")
up(a)
expect(a:read(0), "good")
