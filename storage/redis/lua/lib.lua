-- lib.lua stands in front of every script. Times are milliseconds of this server's clock; 0 never comes. Records are those
-- of package storage, where their layout is written down: only what steps change is taken apart here, and what stands
-- behind it is carried over byte by byte. Everything is read and judged before anything is written.

local NEVER = 281474976710655 -- the largest time there is, 48 bits

-- A connection outlives the role of its server: what a replica says may be old, and scripts that only read would not
-- notice. So each begins with a write that changes nothing. Only a replica's refusal counts: what else may stop writes
-- (no memory, no disk, too few replicas) must not stop reading, nor revoking. It is a command that needs memory, because
-- behind another write Redis would let a script write on although memory is full.
local probe = redis.pcall('SETRANGE', KEYS[1]:match('^[^}]*}:') .. '-', 0, '')
if type(probe) == 'table' and probe.err:find('^-?READONLY') then return probe end

-- damaged stops the script: a value was read which is not what was written under its key.
local function damaged(what)
  error(redis.error_reply('DAMAGED ' .. what))
end

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function over(t, now) return t ~= 0 and now >= t end

local function earlier(a, b)
  if a == 0 or (b ~= 0 and b < a) then return b end
  return a
end

local function later(a, b)
  if a == 0 or b == 0 then return 0 end
  return math.max(a, b)
end

-- after is when a lifetime is over; a negative one never is.
local function after(now, lifetime)
  if lifetime < 0 then return 0 end
  return math.min(now + lifetime, NEVER)
end

-- pair and the functions below it make keys as keys.go does. base is prefix:{tag}:
local function pair(realm, name) return #realm .. ':' .. realm .. name end

local B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

-- is_member tells whether what stands in an index can name a grant.
local function is_member(member) return #member == 12 end

-- grant_key is the key of the grant that an index names by its twelve bytes.
local function grant_key(base, member)
  if not is_member(member) then damaged('index of grants') end
  local out = {}
  for i = 1, #member, 3 do
    local a, b, c = member:byte(i, i + 2)
    local n = a * 65536 + b * 256 + c
    for shift = 3, 0, -1 do
      local d = math.floor(n / 64 ^ shift) % 64
      out[#out + 1] = B64:sub(d + 1, d + 1)
    end
  end
  return base .. 'g:' .. table.concat(out)
end

local function index_key(base, g) return base .. 'i:' .. pair(g.realm, g.username) end
local function user_key(base, g) return base .. 'u:' .. pair(g.realm, g.username) end

-- done gives the answer that an earlier delivery of this very request left, or nil. remember leaves it.
local function done(mark)
  return redis.call('GET', mark) or nil
end

local function remember(mark, life, answer)
  redis.call('SET', mark, answer, 'PX', life)
  return answer
end
