-- GET /metrics: Prometheus text.

local languages = require "languages"

local format = string.format

local COUNTERS = {
    { "calls", "Calls sent to the runtime." },
    { "answered", "Calls answered without an error." },
    { "failed", "Calls answered with an error." },
    { "timed_out", "Calls that were not answered in time." },
    { "cancelled", "Calls whose caller went away." },
    { "late", "Answers that came after their call was given up." },
    { "queue_full", "Calls refused because the queue was full." },
    { "restarts", "Restarts of the runtime's process." },
}

local function each(visit)
    for _, name in ipairs(languages.order) do
        local language = languages.get(name)
        local stats = languages.stats(language)
        visit(language, stats, format('runtime="%s",transport="%s"', name, stats and stats.transport or "none"))
    end
end

local function family(out, name, kind, help)
    out[#out + 1] = format("# HELP %s %s\n# TYPE %s %s", name, help, name, kind)
end

return function()
    local out = {}
    for _, counter in ipairs(COUNTERS) do
        local name = "resty_ffi_" .. counter[1] .. "_total"
        family(out, name, "counter", counter[2])
        each(function(_, stats, labels)
            out[#out + 1] = format("%s{%s} %d", name, labels, stats and stats[counter[1]] or 0)
        end)
    end
    family(out, "resty_ffi_in_flight", "gauge", "Calls that wait for their answer.")
    each(function(_, stats, labels)
        out[#out + 1] = format("resty_ffi_in_flight{%s} %d", labels, stats and stats.in_flight or 0)
    end)
    family(out, "resty_ffi_up", "gauge", "Whether the runtime is loaded.")
    each(function(_, stats, labels)
        out[#out + 1] = format("resty_ffi_up{%s} %d", labels, stats and stats.up and 1 or 0)
    end)
    local name = "resty_ffi_call_duration_seconds"
    family(out, name, "histogram", "From the call to its answer, for what POST /echo called.")
    each(function(language, _, labels)
        local below = 0
        for k, bound in ipairs(languages.bounds) do
            below = below + (language.counts[k] or 0)
            out[#out + 1] = format('%s_bucket{%s,le="%g"} %d', name, labels, bound, below)
        end
        out[#out + 1] = format('%s_bucket{%s,le="+Inf"} %d', name, labels, language.total)
        out[#out + 1] = format("%s_sum{%s} %.9g", name, labels, language.sum)
        out[#out + 1] = format("%s_count{%s} %d", name, labels, language.total)
    end)
    return table.concat(out, "\n") .. "\n"
end
