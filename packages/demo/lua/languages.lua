-- The five runtimes of this worker: loaded at its start, called by name, counted.

local clock = require "clock"
local resty_ffi = require "resty.ffi"

local now = clock.now

local ORDER = { "go", "rust", "python", "java", "node" }
-- Upper bounds of the latency histogram, in seconds.
local BOUNDS = { 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 1 }

local _M = { order = ORDER, bounds = BOUNDS }

local languages = {}

-- sources: { go = { lib = …, cfg = … }, … }. One that cannot be loaded does not stop the others.
function _M.load(sources)
    for _, name in ipairs(ORDER) do
        local source = sources[name]
        local start = now()
        local rt, err = ngx.load_ffi(source.lib, source.cfg)
        languages[name] = {
            name = name,
            rt = rt,
            error = err,
            load_ms = (now() - start) * 1000,
            counts = {},
            sum = 0,
            total = 0,
        }
        if not rt then
            ngx.log(ngx.ERR, err)
        end
    end
end

function _M.get(name)
    return languages[name]
end

-- Calls and counts: returns ok, answer or code, message, and the seconds it took.
function _M.call(language, method, request)
    local start = now()
    local ok, answer, message = language.rt[method](language.rt, request)
    local took = now() - start
    language.total = language.total + 1
    language.sum = language.sum + took
    for k, bound in ipairs(BOUNDS) do
        if took <= bound then
            language.counts[k] = (language.counts[k] or 0) + 1
            break
        end
    end
    return ok, answer, message, took
end

function _M.stats(language)
    return language.rt and resty_ffi.stats(language.rt)
end

return _M
