-- Takes a lock and puts keys, while the test kills the leader, and reads a watch of them. Returns how many
-- acknowledged keys are lost, how many events came twice, the longest time of a put, whether the lock is still held,
-- and whether it is freed.
--
-- `progress.locked` is set when the lock is held; the test sets `progress.killed`.

return function(c, progress)
    local watch = assert(c:watch({ key = "leader/", prefix = true }, { timeout = 10 }))
    local lock, _, err = c:lock("leader", { ttl = 20, timeout = 10 })
    assert(lock, err)
    progress.locked = true

    local acknowledged, longest, k, last = {}, 0, 0, nil
    repeat
        k = k + 1
        ngx.update_time()
        local start = ngx.now()
        local ok = c:put("leader/" .. k, "", { timeout = 1 })
        ngx.update_time()
        longest = math.max(longest, ngx.now() - start)
        if ok then
            acknowledged[#acknowledged + 1] = "leader/" .. k
        end
        if progress.killed then
            last = (last or 0) + (ok and 1 or 0)
        end
        ngx.sleep(0.005)
    until last and last >= 20

    local seen, twice = {}, 0
    while true do
        local ok, res = watch:recv(1.5)
        if not ok then
            break
        end
        for _, event in ipairs(res.events) do
            twice = twice + (seen[event.kv.key] and 1 or 0)
            seen[event.kv.key] = true
        end
    end
    local lost = 0
    for _, key in ipairs(acknowledged) do
        lost = lost + (seen[key] and 0 or 1)
    end
    return lost, twice, longest, lock:held(), (lock:unlock())
end
