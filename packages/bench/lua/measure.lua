-- One measurement, inside the worker: keeps `in_flight` calls in flight for `duration` seconds and reports their times.

local ffi = require "ffi"

local C = ffi.C
local spawn, wait = ngx.thread.spawn, ngx.thread.wait
local floor = math.floor
local rep, format = string.rep, string.format

ffi.cdef [[
typedef struct { long sec, nsec; } bench_time;
int clock_gettime(int clock, bench_time *t);
]]

local BUCKETS = 200000 -- of 0.1 µs
local MONOTONIC = 1
local WARM_UP = 0.1 -- seconds

local time = ffi.new("bench_time")

local function seconds()
    C.clock_gettime(MONOTONIC, time)
    return tonumber(time.sec) + tonumber(time.nsec) / 1e9
end

local function percentile(histogram, count, share)
    local seen = 0
    for bucket = 0, BUCKETS - 1 do
        seen = seen + histogram[bucket]
        if seen >= count * share then
            return bucket / 10
        end
    end
    return BUCKETS / 10
end

-- call(payload) returns true and the answer. Returns a line of JSON, or nil and what went wrong.
return function(call, in_flight, bytes, duration)
    if type(call) == "table" then
        local err
        call, err = call.prepare()
        if not call then
            return nil, err
        end
    end
    local payload = rep("x", bytes)
    local histogram = ffi.new("uint32_t[?]", BUCKETS)
    local count, first, last, failure = 0, nil, 0, nil
    local warm = seconds() + WARM_UP
    local stop = warm + duration
    local function run()
        local before = seconds()
        while before < stop and not failure do
            local ok, answer, message = call(payload)
            if not ok or answer ~= payload then
                failure = "a call went wrong: " .. tostring(message or answer)
            end
            local now = seconds()
            if before >= warm then
                first = first or before
                local bucket = floor((now - before) * 1e7)
                bucket = bucket < BUCKETS and bucket or BUCKETS - 1
                histogram[bucket] = histogram[bucket] + 1
                count, last = count + 1, now
            end
            before = now
        end
    end
    local threads = {}
    for k = 1, in_flight do
        threads[k] = spawn(run)
    end
    for k = 1, in_flight do
        wait(threads[k])
    end
    if failure or count == 0 then
        return nil, failure or "no call was answered in time"
    end
    return format('{"calls":%d,"seconds":%.6f,"p50_us":%.1f,"p99_us":%.1f}', count, last - first,
                  percentile(histogram, count, 0.5), percentile(histogram, count, 0.99))
end
