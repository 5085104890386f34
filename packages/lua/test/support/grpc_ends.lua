-- How calls of grpc.examples.echo.Echo end.

local PATH = "/grpc.examples.echo.Echo/"

local function of_stream(conn, path)
    local _, stream = conn:new_stream(path, { timeout = 20 })
    stream:send({ message = "m" })
    stream:close_send()
    local seen = {}
    while true do
        local ok, res, err = stream:recv(20)
        if not ok then
            return table.concat(seen) .. res .. " " .. err
        elseif not res then
            return table.concat(seen) .. "0"
        end
        seen[#seen + 1] = res.message .. ", "
    end
end

-- Calls a method of that kind. Returns what it gave, and "0" or the code and the message.
return function(conn, kind)
    local path = PATH .. kind .. "Echo"
    if kind ~= "Unary" then
        return of_stream(conn, path)
    end
    local ok, res, err = conn:unary(path, { message = "m" })
    return ok and "0 " .. res.message or res .. " " .. err
end
