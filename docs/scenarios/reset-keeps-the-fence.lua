-- A reset ends commands, not reservations
-- profiles: spc4 dlt-s4
--
-- Old cluster software broke reservations with a bus reset; persistent reservations were made so
-- that it cannot. LOGICAL UNIT RESET and target reset leave registrations and reservation as they
-- are (SPC-4 5.13.1), and tell everybody that they happened.

local a, b, stranger = initiator "a", initiator "b", initiator "stranger"
up(a, b, stranger)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "EA-RO", "good")
local before = a:read_keys().generation

for _, reset in ipairs {"lun_reset", "target_reset"} do
	note(reset)
	expect(stranger[reset](stranger), "good")
	expect_that(#drain(a) == 1, "the holder is told of the reset, once")
	expect_that(#drain(b) == 1, "the registrant is told of the reset, once")
	drain(stranger)
	expect_keys(a, {0xa, 0xb})
	expect_holder(stranger, "EA-RO", 0xa)
	expect(stranger:read(0), "conflict")
	expect(b:write(0), "good")
end
expect_that(a:read_keys().generation == before, "a reset changes no registration")
