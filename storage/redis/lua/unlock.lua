-- unlock.lua clears an owner's failures, and forgives reservations whose hold is over.
-- KEYS: owner, reservations. Answer: 'ok' or 'none'. Again it clears nothing more.

local v = redis.call('GET', KEYS[1])
if not v then return 'none' end
local l, now = read_login(v), clock()
local all = redis.call('HGETALL', KEYS[2])
unlock(l)
redis.call('SETRANGE', KEYS[1], 0, pack_login(l))
for i = 1, #all, 2 do
  if now >= (tonumber(all[i + 1]) or 0) then redis.call('HDEL', KEYS[2], all[i]) end
end
return 'ok'
