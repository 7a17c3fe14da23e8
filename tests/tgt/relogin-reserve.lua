-- A registrant who comes back is still one
-- profiles: spc4 dlt-s4
-- rule: needless_conflict
local a = initiator "a"
up(a)
a:register(0xa)
a:logout()
a:login()
drain(a)
expect_that(a:reserve "WE" ~= nil, "there is an answer")
