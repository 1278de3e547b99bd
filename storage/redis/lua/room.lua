-- room.lua makes room for one more grant of an owner, where there is a limit.

local MAX_READ = 1000 -- as storage.MaxEvicted

-- dead reports whether a grant is none any more: true, false, or nil if only its client's epoch, which is not known, tells.
local function dead(old, new, known)
  if not old or old.realm_epoch < new.realm_epoch then return true end
  local epoch = old.client == new.client and new.client_epoch or known[old.client]
  if not epoch then return nil end
  return old.client_epoch < epoch
end

-- look reads the grants of an index: those that are dead, those that are not, and the clients that only their epochs could
-- tell about. Of very many it reads those that expire first. Where none may be ended it stops when as many as there may be
-- are certainly alive: full says so, and whatever else there is changes nothing.
local function look(base, index, bucket, new, limit, now)
  local gone, living, unknown, asked, certain = {}, {}, {}, {}, 0
  for _, member in ipairs(redis.call('ZRANGE', index, '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, MAX_READ)) do
    local key = grant_key(base, member)
    local old = read_grant(key, bucket .. member, now)
    local is_dead = dead(old, new, limit.epochs)
    if is_dead then
      gone[#gone + 1] = {key = key, member = member}
    else
      living[#living + 1] = {key = key, member = member, at = limit.evict and auth_time(old)}
      if is_dead == false then
        certain = certain + 1
        if certain == limit.most and not limit.evict then return gone, living, {}, true end
      elseif not asked[old.client] then
        asked[old.client], unknown[#unknown + 1] = true, old.client
      end
    end
  end
  return gone, living, unknown, false
end

-- room decides how a new grant fits in beside those of an index, of which limit.most may be alive. Nothing is changed yet.
-- gone are the grants to drop, and evicted those of them that were alive, oldest login first; full says that there is no
-- room; unknown are clients whose epochs the caller must look up first, and nothing else counts then.
local function room(base, index, bucket, new, limit, now)
  local alive = redis.call('ZCOUNT', index, '(' .. now, '+inf')
  if alive < limit.most then return {gone = {}, evicted = {}} end
  local gone, living, unknown, full = look(base, index, bucket, new, limit, now)
  if full then return {gone = gone, evicted = {}, full = true} end
  alive = alive - #gone
  if alive >= limit.most and limit.asks and #unknown > 0 then return {unknown = unknown} end
  local r = {gone = gone, evicted = {}, full = alive >= limit.most and not limit.evict}
  if alive < limit.most or r.full then return r end
  table.sort(living, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.member < b.member
  end)
  for i = 1, math.min(alive - limit.most + 1, #living) do
    gone[#gone + 1], r.evicted[i] = living[i], living[i].member
  end
  return r
end

-- clear drops what room has found.
local function clear(index, r)
  for _, old in ipairs(r.gone) do
    redis.call('UNLINK', old.key)
    redis.call('ZREM', index, old.member)
  end
end

-- grant_limit reads three arguments from the i-th on, and the pairs of a client and its epoch from the j-th.
local function grant_limit(i, j)
  local l = {most = tonumber(ARGV[i]), evict = ARGV[i + 1] == '1', asks = ARGV[i + 2] == '1', epochs = {}}
  for k = j, #ARGV, 2 do l.epochs[ARGV[k]] = tonumber(ARGV[k + 1]) end
  return l
end
