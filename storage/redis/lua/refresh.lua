-- refresh.lua is the whole of a refresh token grant: see storage.RefreshStep, whose order this is.
-- KEYS: grant, mark.
-- ARGV: base, id, generation, digest, realm, client, nonce, 1 to rotate, grace, access and refresh lifetime (negative:
--       never), realm and client epoch, 1 if these were just read, life of the mark, n, n requested scopes, what the client
--       may have.
-- Answer: {outcome, now, record or nil}, or {'stale'}. The same nonce again has the same answer.

local LEEWAY = 1000 -- by which a clock may be set back within the grace: storage.ClockLeeway
local DONE, REFUSED, REUSED, WIDER, NO_SCOPE = 0, 1, 2, 3, 4
local base, id, generation, digest, realm = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local client, nonce, rotate, grace = ARGV[6], ARGV[7], ARGV[8] == '1', tonumber(ARGV[9])
local access, refresh = tonumber(ARGV[10]), tonumber(ARGV[11])
local realm_epoch, client_epoch, fresh = tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14] == '1'
local life, requested = ARGV[15], tonumber(ARGV[16])
local named = nonce ~= string.rep('\0', 8)

local now = clock()
local g, record = read_grant(KEYS[1], id, now)
if not g and named then -- perhaps this very request has ended it
  local before = done(KEYS[2])
  if before and unpack_grant(before, id) then return {REUSED, now, before} end
end
if not g or g.realm ~= realm or g.refresh_digest ~= digest or g.client ~= client or g.has_refresh == 0 then
  return {REFUSED, now}
end
local verdict = epochs(g, realm_epoch, client_epoch, fresh)
if verdict == 'stale' then return {'stale'} end
if verdict == 'dead' or over(g.refresh, now) or generation > g.generation then return {REFUSED, now} end

local spent = generation < g.generation
local predecessor = generation == g.generation - 1
local since = now - g.refreshed
local within = grace > 0 and since >= -LEEWAY and since < grace
local repeated = named and nonce == g.nonce and (predecessor or not spent)
if spent and not repeated and not (predecessor and within) then
  drop(base, KEYS[1], g)
  if named then remember(KEYS[2], life, record) end
  return {REUSED, now, record}
end

local own, may = {}, {}
for s in g.scopes:gmatch('[^ ]+') do own[s] = true end
for i = 17 + requested, #ARGV do may[ARGV[i]] = true end
local want = {}
for i = 17, 16 + requested do
  if not own[ARGV[i]] then return {WIDER, now, record} end
  want[ARGV[i]] = true
end
if requested == 0 then want = own end
local left = false
for s in pairs(want) do left = left or may[s] == true end
if not left then return {NO_SCOPE, now, record} end
if spent or repeated then return {DONE, now, record} end

g.seq, g.nonce, g.access = g.seq + 1, nonce, earlier(after(now, access), g.max)
g.keep = later(g.keep, g.access)
if rotate then
  g.generation, g.refreshed, g.refresh = g.generation + 1, now, earlier(after(now, refresh), g.max)
  g.keep = later(g.keep, g.refresh)
end
return {DONE, now, put(base, KEYS[1], g, now)}
