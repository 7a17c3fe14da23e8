-- The holder unregisters: the reservation goes with it
-- profiles: spc4 dlt-s4
--
-- REGISTER with a new key of 0 takes the registration away, and a reservation that depends on it
-- (SPC-4 5.13.11.2.3). Under a Registrants Only type the others are told that it is gone, because
-- what they may do has changed; under the plain types nobody is told, and they find out by trying.

local a, b = initiator "a", initiator "b"
up(a, b)
for _, case in ipairs {{"WE", false}, {"EA", false}, {"WE-RO", true}, {"EA-RO", true}} do
	local kind, told = case[1], case[2]
	expect(a:register(0xa), "good")
	expect(b:register(0xb), "good")
	expect(a:reserve(kind), "good")
	expect(a:unregister(), "good")
	if told then expect_attention(b, "reservations released") end
	expect_no_attention(b)
	expect_no_attention(a)
	expect_keys(b, {0xb})
	expect_no_holder(b)
	expect(a:write(0), "good")
	expect(b:unregister(), "good")
end

note "a registrant that holds nothing goes without a trace"
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "EA-RO", "good")
expect(b:unregister(), "good")
expect_no_attention(a)
expect_holder(a, "EA-RO", 0xa)
expect(b:read(0), "conflict")
