-- The five runtimes of this worker: loaded at its start, called by name.

local clock = require "clock"
local resty_ffi = require "resty.ffi"

local now = clock.now

local ORDER = { "go", "rust", "python", "java", "node" }

local _M = { order = ORDER }

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
        }
        if not rt then
            ngx.log(ngx.ERR, err)
        end
    end
end

function _M.get(name)
    return languages[name]
end

-- Returns ok, answer or code, message, and the seconds that the call took.
function _M.call(language, method, request)
    local start = now()
    local ok, answer, message = language.rt[method](language.rt, request)
    return ok, answer, message, now() - start
end

function _M.stats(language)
    return language.rt and resty_ffi.stats(language.rt)
end

return _M
