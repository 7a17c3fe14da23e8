-- SPEC_I_PT: registering others
-- profiles: spc4
--
-- One node may register other initiator ports together with itself, by their TransportIDs (SPC-4
-- 5.13.7), for instance the hosts that a virtual machine may move to. It is all or nothing: if one
-- of them is registered already, nobody is.

local a, b, c = initiator "a", initiator "b", initiator "c"
up(a, b, c)

expect(c:register(0xc), "good")
expect(a:register {new = 0xa, others = {b, c}}, "check 5/26/00")
expect_keys(c, {0xc})

expect(a:register {new = 0xa, others = {b}}, "good")
expect_keys(c, {0xa, 0xa, 0xc})
expect(b:reserve {type = "WE-RO", key = 0xa}, "good")
expect_holder(c, "WE-RO", 0xa)
expect(a:write(0), "good")
