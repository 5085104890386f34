-- Puts opt/b, opt/a, opt/d, opt/c and changes opt/a. Returns by option what `get` finds: the keys without "opt/" with
-- their values, the count, and whether there are more.

return function(c)
    local put = {}
    for k, name in ipairs({ "b", "a", "d", "c" }) do
        local _, res = c:put("opt/" .. name, tostring(5 - k))
        put[k] = res.revision
    end
    c:put("opt/a", "9")

    local function keys(opts, key)
        local ok, res, err = c:get(key or "opt/", opts)
        if not ok then
            return res .. " " .. err
        end
        local names = {}
        for k, kv in ipairs(res.kvs) do
            names[k] = kv.key:sub(5) .. (kv.value or "")
        end
        return table.concat(names, " ") .. " " .. res.count .. " " .. tostring(res.more)
    end

    return {
        prefix = keys{ prefix = true },
        range = keys({ range_end = "opt/c" }, "opt/a"),
        from = keys({ range_end = "\0" }, "opt/d"):sub(1, 2),
        limit = keys{ prefix = true, limit = 2 },
        past = keys{ prefix = true, revision = put[2] },
        descending = keys{ prefix = true, descending = true },
        by_value = keys{ prefix = true, sort = "value" },
        by_version = keys{ prefix = true, sort = "version", descending = true, limit = 1 },
        by_creation = keys{ prefix = true, sort = "create_revision" },
        by_change = keys{ prefix = true, sort = "mod_revision" },
        by_key = keys{ prefix = true, sort = "key" },
        keys_only = keys{ prefix = true, keys_only = true },
        count_only = keys{ prefix = true, count_only = true },
        serializable = keys{ prefix = true, serializable = true },
        min_mod = keys{ prefix = true, min_mod_revision = put[3] },
        max_mod = keys{ prefix = true, max_mod_revision = put[3] },
        min_create = keys{ prefix = true, min_create_revision = put[3] },
        max_create = keys{ prefix = true, max_create_revision = put[2] },
        future = keys{ prefix = true, revision = 1000000 },
    }
end
