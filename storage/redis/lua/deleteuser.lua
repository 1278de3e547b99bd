-- deleteuser.lua removes an owner with the grants, the known sources and the attempts under way: no success of theirs finds
-- a reservation.
-- KEYS: owner, index, reservations, known sources, mark. ARGV: base, administrative part as read, life of the mark.
-- Answer: 'ok', 'none' or 'changed'. The same mark again has the same answer.

local answer = done(KEYS[5])
if answer then return answer end
local v = redis.pcall('GET', KEYS[1])
if type(v) == 'table' then
  if not v.err:find('WRONGTYPE') then return v end
  v = '' -- of another type: damage goes too
end
if not v then return 'none' end
if v:sub(LOGIN_SIZE + 1) ~= ARGV[2] then return 'changed' end
drop_all(ARGV[1], KEYS[2])
redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4])
return remember(KEYS[5], ARGV[3], 'ok')
