-- REPORT CAPABILITIES says what RESERVE takes
-- profiles: spc4 dlt-s4
--
-- Software asks for the type mask before it chooses a type. The answer has to be true: each type
-- in the mask can be reserved, each other one is refused, and a refusal leaves nothing behind. The
-- DLT-S4 knows no All Registrants types; SPC-4 knows six types.

local a = initiator "a"
up(a)
local mask = expect(a:report_capabilities(), "good").type_mask
expect(a:register(0xa), "good")

-- Byte 4 is the upper half: bit n is type n, up to 7; bit 0 of byte 5 is type 8.
local bits = {[1] = 0x0200, [3] = 0x0800, [5] = 0x2000, [6] = 0x4000, [7] = 0x8000, [8] = 0x0001}
for number = 0, 15 do
	if bits[number] and mask & bits[number] ~= 0 then
		expect(a:reserve(number), "good")
		expect(a:release(number), "good")
	else
		expect(a:reserve(number), "check 5/24/00")
		expect_no_holder(a)
	end
end
expect(a:reserve {type = "WE", scope = 1}, "check 5/24/00")
