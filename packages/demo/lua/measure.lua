-- GET /measure/{language}?ms=…&in_flight=…&bytes=…: calls as fast as they are answered, and how long each took.

local clock = require "clock"

local now = clock.now
local spawn, wait = ngx.thread.spawn, ngx.thread.wait
local floor, log = math.floor, math.log

local PER_OCTAVE = 16 -- buckets of the histogram for each doubling of the time, from 1 µs to 65 ms
local BUCKETS = 16 * PER_OCTAVE

local LIMITS = { ms = { 10, 1000, 200 }, in_flight = { 1, 256, 1 }, bytes = { 0, 1048576, 64 } }

local _M = {}

-- The arguments as numbers, or nil and what is wrong with them.
function _M.arguments(args)
    local found = {}
    for name, limit in pairs(LIMITS) do
        local value = args[name] == nil and limit[3] or tonumber(args[name])
        if not value or value ~= floor(value) or value < limit[1] or value > limit[2] then
            return nil, name .. " must be a whole number from " .. limit[1] .. " to " .. limit[2]
        end
        found[name] = value
    end
    return found
end

local function bucket_of(seconds)
    local bucket = 1 + floor(log(seconds * 1e6) / log(2) * PER_OCTAVE)
    return bucket < 1 and 1 or bucket > BUCKETS and BUCKETS or bucket
end

-- In µs; inside a bucket the calls are taken to be spread evenly.
local function percentile(histogram, calls, share)
    local wanted = calls * share
    for bucket, count in ipairs(histogram) do
        if count > 0 and wanted <= count then
            return 2 ^ ((bucket - 1 + wanted / count) / PER_OCTAVE)
        end
        wanted = wanted - count
    end
end

-- call(payload) returns true and the answer.
function _M.run(call, a)
    local payload = string.rep("x", a.bytes)
    local histogram, calls, failure = {}, 0, nil
    for bucket = 1, BUCKETS do
        histogram[bucket] = 0
    end
    local start = now()
    local stop = start + a.ms / 1000
    local function one()
        local before = now()
        repeat
            local ok, answer, message = call(payload)
            if not ok or answer ~= payload then
                failure = message or "the answer was not what was sent"
                return
            end
            local after = now()
            local bucket = bucket_of(after - before)
            histogram[bucket] = histogram[bucket] + 1
            calls = calls + 1
            before = after
        until before >= stop or failure
    end
    local threads = {}
    for k = 1, a.in_flight do
        threads[k] = spawn(one)
    end
    for k = 1, a.in_flight do
        wait(threads[k])
    end
    local took = now() - start
    if failure then
        return nil, failure
    end
    return {
        calls = calls,
        calls_per_s = calls / took,
        p50_us = percentile(histogram, calls, 0.5),
        p99_us = percentile(histogram, calls, 0.99),
        histogram = histogram,
        per_octave = PER_OCTAVE,
    }
end

return _M
