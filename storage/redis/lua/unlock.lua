-- unlock.lua clears an owner's failures, those of known sources too, and forgives reservations whose hold is over.
-- KEYS: owner, reservations, known sources. Answer: 'ok' or 'none'. Again it clears nothing more.

local v = redis.call('GET', KEYS[1])
if not v then return 'none' end
local l, sources, now = read_login(v), read_sources(KEYS[3]), clock()
local all = redis.call('HGETALL', KEYS[2])
unlock(l)
for _, k in ipairs(sources) do unlock(login_of(k)) end
redis.call('SETRANGE', KEYS[1], 0, pack_login(l))
save_sources(KEYS[3], sources)
for i = 1, #all, 2 do
  if now >= read_reservation(all[i + 1]) then redis.call('HDEL', KEYS[2], all[i]) end
end
return 'ok'
