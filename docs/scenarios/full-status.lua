-- READ FULL STATUS: who is who
-- profiles: spc4
--
-- READ KEYS shows numbers. READ FULL STATUS shows whose they are: the initiator port's name and
-- ISID as a TransportID, the target port, and who holds (SPC-4 6.15.5). It is what an administrator
-- needs to find the host behind a stale key.

local a, b, c = initiator "a", initiator "b", initiator "c"
up(a, b, c)
expect(a:register(0x1), "good")
expect(b:register(0x2), "good")
expect(b:reserve "WE", "good")

local owners = {}
for _, registration in ipairs(expect(c:read_full_status(), "good").registrations) do
	owners[registration.key] = registration.who
end
expect_that(owners[0x1] == "a" and owners[0x2] == "b", "each key is shown with its owner")

note "it stays to be seen when the host is gone"
a:cut()
expect_that(c:read_full_status().registrations[1].who == "a", "the key of a host that is gone")
