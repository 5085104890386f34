-- A clock that runs: nginx's own stands still while a handler runs.

local ffi = require "ffi"

local C = ffi.C

ffi.cdef [[
typedef struct { long sec, nsec; } demo_time;
int clock_gettime(int clock, demo_time *t);
]]

local MONOTONIC = 1
local time = ffi.new("demo_time")

local function now()
    C.clock_gettime(MONOTONIC, time)
    return tonumber(time.sec) + tonumber(time.nsec) / 1e9
end

return { now = now }
