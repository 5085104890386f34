-- Puts keys, while the test restarts etcd, and reads two watches of them: one at once, the other after the last put.
-- Returns how many acknowledged keys are lost, how many events came twice, and whether all came in their order.
--
-- `progress.stored` counts the puts; the test sets `progress.restarted` when etcd is back.

local TIMEOUT = require("resty.ffi").TIMEOUT

return function(c, progress)
    local watch = assert(c:watch{ key = "restart/", prefix = true })
    local quiet = assert(c:watch{ key = "restart/", prefix = true })
    c:put("before", "1")
    local writing, acknowledged = true, {}

    local writer = ngx.thread.spawn(function()
        local k, after = 0, 0
        while after < 50 do
            k = k + 1
            local ok = c:put("restart/" .. k, tostring(k), { timeout = 0.5 })
            if ok then
                acknowledged[#acknowledged + 1] = k
            end
            progress.stored = #acknowledged
            if progress.restarted then
                after = after + (ok and 1 or 0)
            end
            ngx.sleep(0.005)
        end
        writing = false
    end)

    local function events_of(w)
        local keys, last, ordered = {}, 0, true
        while true do
            local ok, res, err = w:recv(1)
            if not ok and res ~= TIMEOUT then
                error(err)
            elseif not ok and not writing then
                return keys, ordered
            end
            for _, event in ipairs(ok and res.events or {}) do
                ordered = ordered and event.kv.mod_revision > last
                last = event.kv.mod_revision
                keys[event.kv.key] = (keys[event.kv.key] or 0) + 1
            end
        end
    end

    local keys, ordered = events_of(watch)
    local late, late_ordered = events_of(quiet)
    assert(ngx.thread.wait(writer))
    local lost, twice = 0, 0
    for _, k in ipairs(acknowledged) do
        if not keys["restart/" .. k] or not late["restart/" .. k] then
            lost = lost + 1
        end
    end
    for key, n in pairs(keys) do
        if n > 1 or late[key] ~= 1 then
            twice = twice + 1
        end
    end
    return { lost = lost, twice = twice, ordered = ordered and late_ordered }
end
