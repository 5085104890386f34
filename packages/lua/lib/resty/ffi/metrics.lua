-- Counters of the runtimes of all workers, as Prometheus text.
--
--     lua_shared_dict resty_ffi_metrics 1m;
--     init_worker_by_lua_block { require("resty.ffi.metrics").share("resty_ffi_metrics") }
--     location = /metrics { content_by_lua_block { require("resty.ffi.metrics").serve() } }
--
-- Without `share`, `serve` has the counters of the worker that answers. Nothing else may use the shared dict.

local constants = require "resty.ffi.constants"
local resty_ffi = require "resty.ffi"

local ngx = ngx
local pairs, ipairs, tonumber = pairs, ipairs, tonumber
local concat, sort = table.concat, table.sort
local floor = math.floor
local format, gsub, find, sub, rep = string.format, string.gsub, string.find, string.sub, string.rep

local INTERVAL = 1 -- seconds between two reports of a worker
local GAUGES_LIVE = 5 -- seconds until the gauges of a worker that has stopped reporting expire
local BUCKETS = constants.BUCKETS - 1 -- that have an upper bound; the last bucket has none

---@class resty.ffi.metrics
local _M = {}

local zone -- the shared dict; nil without `share`
local told = {} -- by series: the counters that are already in the dict

local FAMILIES = {
    { "calls_total", "counter", "Calls and streams that were sent to the runtime." },
    { "errors_total", "counter", "Calls that failed; kind FAILED is the runtime's own codes." },
    { "call_duration_seconds", "histogram", "From a plain call to its answer." },
    { "bytes_total", "counter", "Payload, to the runtime and from it." },
    { "streams_total", "counter", "Streams that were opened." },
    { "late_total", "counter", "Answers that came after their caller had gone." },
    { "queue_full_total", "counter", "Calls that found the queue full." },
    { "restarts_total", "counter", "Child processes that were started again." },
    { "reloads_total", "counter", "Reloads that brought up new code." },
    { "in_flight", "gauge", "Calls and streams that have no answer yet." },
    { "queue_depth", "gauge", "Frames that the runtime has not taken yet." },
    { "up", "gauge", "Workers in which the runtime serves." },
}

local function label(value)
    return (gsub(gsub(gsub(value, "\\", "\\\\"), "\"", "\\\""), "\n", "\\n"))
end

-- Upper bounds of the buckets in seconds, as text: 2^k * 8.192 microseconds.
local ENDS = {}
for k = 1, BUCKETS do
    ENDS[k] = format("%.9g", 2 ^ (k - 1) * 8.192e-6)
end

local function method_series(counters, labels, name, m)
    local own = labels .. ",method=\"" .. label(name) .. "\""
    counters["calls_total{" .. own .. "}"] = m.calls
    counters["bytes_total{" .. own .. ",direction=\"in\"}"] = m.bytes_in
    counters["bytes_total{" .. own .. ",direction=\"out\"}"] = m.bytes_out
    for kind, count in pairs(m.errors) do
        counters["errors_total{" .. own .. ",kind=\"" .. kind .. "\"}"] = count
    end
    local below = 0
    for k = 1, BUCKETS do
        below = below + m.took[k]
        counters["call_duration_seconds_bucket{" .. own .. ",le=\"" .. ENDS[k] .. "\"}"] = below
    end
    below = below + m.took[BUCKETS + 1]
    counters["call_duration_seconds_bucket{" .. own .. ",le=\"+Inf\"}"] = below
    counters["call_duration_seconds_count{" .. own .. "}"] = below
    counters["call_duration_seconds_sum{" .. own .. "}"] = m.took_us / 1e6
end

local function add(series, key, value)
    series[key] = (series[key] or 0) + value
end

-- The counters and gauges of this worker, by name and labels. Two runtimes of one name share their series.
local function collect()
    local counters, gauges = {}, {}
    for _, rt in ipairs(resty_ffi.runtimes()) do
        local s, own = resty_ffi.stats(rt), {}
        -- The transport is not a label: a reload may change it, and a counter must keep its labels.
        local labels = "runtime=\"" .. label(s.name) .. "\""
        for name, m in pairs(s.methods) do
            method_series(own, labels, name, m)
        end
        for _, name in ipairs { "streams", "late", "queue_full", "restarts", "reloads" } do
            own[name .. "_total{" .. labels .. "}"] = s[name]
        end
        for key, value in pairs(own) do
            add(counters, key, value)
        end
        add(gauges, "in_flight{" .. labels .. "}", s.in_flight)
        add(gauges, "queue_depth{" .. labels .. "}", s.queued)
        add(gauges, "up{" .. labels .. "}", s.up and 1 or 0)
    end
    return counters, gauges
end

-- Counters are added up in the dict, so that they outlive their worker. Each worker has its own gauges.
local function report()
    local counters, gauges = collect()
    for key, value in pairs(counters) do
        local before = told[key] or 0
        -- A counter that has fallen belongs to a runtime that was unloaded and loaded again.
        local more = value >= before and value - before or value
        if more > 0 then
            zone:incr("c" .. key, more, 0)
        end
        told[key] = value
    end
    for key in pairs(told) do
        if not counters[key] then
            told[key] = nil
        end
    end
    local worker = ngx.worker.id() or 0
    for key, value in pairs(gauges) do
        zone:set("g" .. worker .. " " .. key, value, GAUGES_LIVE)
    end
end

local function gathered()
    report()
    local counters, gauges = {}, {}
    for _, key in ipairs(zone:get_keys(0)) do
        local value = zone:get(key)
        if value and sub(key, 1, 1) == "c" then
            counters[sub(key, 2)] = value
        elseif value then
            add(gauges, sub(key, find(key, " ", 1, true) + 1), value)
        end
    end
    return counters, gauges
end

-- A key by which the series of buckets sort by their bounds.
local function sortable(key)
    return (gsub(key, "le=\"([^\"]*)\"", function(bound)
        return format("le=%s", bound == "+Inf" and rep("9", 20) or format("%020d", floor(tonumber(bound) * 1e9)))
    end))
end

local function number(value)
    return value == floor(value) and format("%d", value) or format("%.9g", value)
end

---Renders the metrics in the text format of Prometheus.
---@return string
function _M.text()
    local counters, gauges
    if zone then
        counters, gauges = gathered()
    else
        counters, gauges = collect()
    end
    local out = {}
    for _, family in ipairs(FAMILIES) do
        local name, kind, help = family[1], family[2], family[3]
        local series, keys = kind == "gauge" and gauges or counters, {}
        for key in pairs(series) do
            local own = sub(key, 1, find(key, "{", 1, true) - 1)
            if own == name or kind == "histogram" and sub(own, 1, #name + 1) == name .. "_" then
                keys[#keys + 1] = { sortable(key), key }
            end
        end
        sort(keys, function(a, b)
            return a[1] < b[1]
        end)
        out[#out + 1] = format("# HELP resty_ffi_%s %s\n# TYPE resty_ffi_%s %s", name, help, name, kind)
        for _, key in ipairs(keys) do
            out[#out + 1] = "resty_ffi_" .. key[2] .. " " .. number(series[key[2]])
        end
    end
    return concat(out, "\n") .. "\n"
end

---Answers the current request with the metrics.
function _M.serve()
    local text = _M.text()
    ngx.header["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

---Adds the counters of this worker to a `lua_shared_dict`, every second and when the worker ends. Call it in
---`init_worker_by_lua`.
---@param name string name of the shared dict
---@return boolean|nil
---@return string|nil message
function _M.share(name)
    local dict = ngx.shared[name]
    if not dict then
        return nil, "there is no lua_shared_dict \"" .. name .. "\""
    end
    local first = not zone
    zone = dict
    resty_ffi.before_unload = report
    if not first then
        return true
    end
    local function again(premature)
        report()
        if not premature then
            ngx.timer.at(INTERVAL, again)
        end
    end
    local ok, err = ngx.timer.at(0, again)
    return ok, err
end

return _M
