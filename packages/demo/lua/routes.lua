-- What the server answers.

local json = require "json"
local languages = require "languages"
local measure = require "measure"

local _M = {}

local function answer(status, kind, body)
    ngx.status = status
    ngx.header["Content-Type"] = kind
    ngx.header["Content-Length"] = #body
    ngx.print(body)
end

local function text(status, body)
    return answer(status, "text/plain; charset=utf-8", body .. "\n")
end

local function method_is(method)
    if ngx.req.get_method() == method then
        return true
    end
    ngx.header["Allow"] = method
    text(405, "use " .. method)
end

-- The language that the path names, if it is there; else the answer has been given.
local function language_of(name)
    local language = languages.get(name)
    if not language then
        return text(404, "there is no language \"" .. name .. "\"; there are: " .. table.concat(languages.order, ", "))
    elseif not language.rt then
        return text(503, language.error)
    end
    return language
end

local function body()
    ngx.req.read_body()
    local data = ngx.req.get_body_data()
    local file = not data and ngx.req.get_body_file()
    if not file then
        return data or ""
    end
    local handle = assert(io.open(file, "rb"))
    data = handle:read("*a")
    handle:close()
    return data
end

function _M.healthz()
    local down = {}
    for _, name in ipairs(languages.order) do
        local stats = languages.stats(languages.get(name))
        if not (stats and stats.up) then
            down[#down + 1] = name
        end
    end
    if #down == 0 then
        return text(200, "ok")
    end
    return text(503, "not up: " .. table.concat(down, ", "))
end

function _M.echo(name)
    local language = method_is("POST") and language_of(name)
    if not language then
        return
    end
    local ok, res, message, took = languages.call(language, "echo", body())
    ngx.header["X-Microseconds"] = string.format("%.1f", took * 1e6)
    if not ok then
        return text(502, message or "code " .. res)
    end
    return answer(200, "application/octet-stream", res or "")
end

function _M.measure(name)
    local language = method_is("GET") and language_of(name)
    if not language then
        return
    end
    local arguments, err = measure.arguments(ngx.req.get_uri_args())
    if not arguments then
        return text(400, err)
    end
    local result
    result, err = measure.run(function(payload)
        return language.rt:echo(payload)
    end, arguments)
    if not result then
        return text(502, err)
    end
    return answer(200, "application/json", json.encode(result))
end

-- What the page knows of each language before it calls it.
function _M.languages()
    local list = {}
    for k, name in ipairs(languages.order) do
        local language = languages.get(name)
        local stats = languages.stats(language)
        local ok, about
        if language.rt then
            ok, about = language.rt:lang(nil, { timeout = 1 })
        end
        list[k] = {
            name = name,
            error = language.error,
            load_ms = language.load_ms,
            runtime = stats and stats.name, -- as /metrics calls it
            transport = stats and stats.transport,
            about = ok and about or nil,
        }
    end
    return answer(200, "application/json", json.encode(list))
end

return _M
