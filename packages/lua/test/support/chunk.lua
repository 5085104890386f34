-- Runs the Lua code in the body of a request. The answer has its results as text, joined by "|", or what it throws.

local _M = {}

local function answer(ok, ...)
    local texts = {}
    for k = 1, select("#", ...) do
        texts[k] = tostring((select(k, ...)))
    end
    ngx.status = ok and 200 or 500
    ngx.print(table.concat(texts, "|"))
end

function _M.run()
    ngx.req.read_body()
    answer(pcall(assert(loadstring(ngx.req.get_body_data(), "=chunk"))))
end

return _M
