-- limit.lua decides on a request that several limits of one party hold for, as guard.Rate does. Times are microseconds
-- here. A limit is kept as the time at which all its places are free (7 bytes), behind it the nonce of the last charge (8).
-- KEYS: the limits.
-- ARGV: nonce, then for each limit interval, room and mode.
-- Answer: {which limit has to be waited for longest, 0 if none has to be, and how long}. The same nonce again, if nobody
-- else was charged in between, has the same answer.

local DEBTS = 64
local TAKE, LOOK, COUNT, GIVE_BACK = 0, 1, 2, 3
local nonce, t = ARGV[1], redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local over, longest, again, next = 0, 0, false, {}

for i, key in ipairs(KEYS) do
  local interval, room, mode = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local record, free, mine = redis.call('GET', key), now, false
  if record then
    if #record ~= 15 then damaged('limit') end
    free, mine = struct.unpack('>I7', record), record:sub(8) == nonce
  end
  if free < now or free > now + 2 * DEBTS * room then free = now end
  if mode == COUNT and not mine then
    free = math.min(free + interval, now + DEBTS * room)
    next[key] = {free}
  elseif mode == TAKE then
    again = again or mine
    next[key] = {free + interval, true}
  elseif mode == GIVE_BACK and not mine then
    next[key] = {free - interval}
  end
  local wait = free + interval - now - room
  if mode ~= GIVE_BACK and wait > longest then over, longest = i, wait end
end

if again then return {0, 0} end
for key, n in pairs(next) do
  local at, only_if_allowed = n[1], n[2]
  if over == 0 or not only_if_allowed then
    local life = math.max(math.ceil((at - now) / 1000), 1)
    redis.call('SET', key, struct.pack('>I7', math.max(at, now)) .. nonce, 'PX', life)
  end
end
return {over, longest}
