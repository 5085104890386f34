-- resty.ffi.kafka: a client of Kafka, franz-go in libffi_kafka.so.
--
--     local kafka = require "resty.ffi.kafka"
--     local producer = kafka.producer{ brokers = { "127.0.0.1:9092" }, compression = "zstd" }
--     local ok, res, err = producer:send("orders", "key", "value", { headers = { kind = "new" } })
--     -- true, { topic, partition, offset } | false, code, message
--
--     local consumer = kafka.consumer{ brokers = { "127.0.0.1:9092" }, group = "billing", topics = { "orders" } }
--     local ok, record = consumer:recv()     -- true, { topic, partition, offset, timestamp, key, value, headers }
--     consumer:commit(record)                -- dealt with, and those before it
--     consumer:close()
--
-- Everything else is in docs/kafka.md.

local check = require "resty.ffi.check"
local client = require "resty.ffi.client"
local status = require "resty.ffi.status"

local log, now, null, pid, WARN = ngx.log, ngx.now, ngx.null, ngx.worker.pid, ngx.WARN
local ipairs, next, pairs, remove, setmetatable, type = ipairs, next, pairs, table.remove, setmetatable, type

local BAD_ARGUMENT, BAD_PHASE = status.BAD_ARGUMENT, status.BAD_PHASE

local _M = {}

local library = client.library("ffi_kafka")

local CONNECTION = {
    brokers = check.names,
    client_id = check.name,
    tls = { ca = check.string, cert = check.string, key = check.string, server_name = check.name },
    sasl = {
        mechanism = check.one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        user = check.string,
        password = check.string,
    },
    request_timeout = check.seconds,
    idle_timeout = check.seconds,
}

-- What a kind of client takes, with the options of its connection.
local function with_connection(known)
    for name, test in pairs(CONNECTION) do
        known[name] = test
    end
    return known
end

local PRODUCER = with_connection({
    acks = check.one_of("all", "1", "0"),
    compression = check.one_of("none", "gzip", "snappy", "lz4", "zstd"),
    linger = check.seconds,
    max_message_bytes = check.count,
    max_buffered = check.count,
    delivery_timeout = check.seconds,
    auto_create = check.boolean,
})

local CONSUMER = with_connection({
    group = check.name,
    topics = check.names,
    from = check.one_of("earliest", "latest"),
    session_timeout = check.seconds,
    max_wait = check.seconds,
    read_committed = check.boolean,
    commit_interval = check.seconds,
})

-- The name of lua-resty-ffi-kafka.
local FORMER = { cap = "max_buffered" }
local NONE = {}

local CALL = { timeout = check.seconds }
local SEND = { timeout = check.seconds, headers = check.strings, partition = check.index, timestamp = check.index }
local RECORD = {
    topic = check.name,
    key = check.string,
    value = check.string,
    headers = check.strings,
    partition = check.index,
    timestamp = check.index,
}
local TOPIC = {
    timeout = check.seconds,
    partitions = check.count,
    replication_factor = check.count,
    configs = check.strings,
}

-- A copy of the options, or nil and a sentence.
local function options_of(opts, known, former)
    local options = check.renamed(opts, former)
    if type(opts) == "table" and opts.tls == true then
        options.tls = {}
    end
    local err = check.options(options, known)
    if err then
        return nil, err
    elseif not options.brokers or #options.brokers == 0 then
        return nil, "the option \"brokers\" is missing: a list of addresses such as \"127.0.0.1:9092\""
    end
    return options
end

local function refused(err)
    return false, BAD_ARGUMENT, err
end

-- The options of ngx.load_ffi for libffi_kafka.so, such as isolate, before its first use.
function _M.setup(opts)
    if type(opts) == "table" and opts.workers ~= nil and opts.workers ~= 1 then
        return nil, "the option \"workers\" must be 1: a consumer is in one process, and its commits have to go there"
    end
    return library:setup(opts)
end

local Producer = {}
Producer.__index = Producer

-- A producer; nil and a sentence if an option is wrong. Nothing is connected yet.
function _M.producer(opts)
    local options, err = options_of(opts, PRODUCER, FORMER)
    if not options then
        return nil, err
    end
    local handle
    handle, err = library:client(options)
    return handle and setmetatable({ client = handle }, Producer), err
end

-- The record and the options of the call, or nil and a sentence.
local function request(topic, key, value, opts)
    local err = opts and check.options(opts, SEND)
    if err then
        return nil, err
    end
    local record = { topic = topic, key = key, value = value }
    err = check.options(record, RECORD)
    if err then
        return nil, "the record: " .. err
    end
    if not opts then
        return record
    end
    record.headers, record.partition, record.timestamp = opts.headers, opts.partition, opts.timestamp
    return record, opts.timeout and { timeout = opts.timeout } or nil
end

-- Waits until the brokers have the record. true, { topic, partition, offset } | false, code, message.
function Producer:send(topic, key, value, opts)
    local record, call_opts = request(topic, key, value, opts)
    if not record then
        return refused(call_opts)
    end
    return self.client:call("send", record, call_opts)
end

-- Returns when the record is in the producer's buffer; at once in a phase that cannot wait, such as log_by_lua. What
-- becomes of it is in the error log if it fails.
function Producer:enqueue(topic, key, value, opts)
    local record, call_opts = request(topic, key, value, opts)
    if not record then
        return refused(call_opts)
    end
    local ok, code, err = self.client:call("enqueue", record, call_opts)
    if code == BAD_PHASE then
        return self.client:send("enqueue", record, call_opts)
    end
    return ok, code, err
end

-- Sends a list of { topic, key, value, headers, partition, timestamp } and waits for all of them. true, and a list of
-- { topic, partition, offset } or { code, message } | false, code, message.
function Producer:send_all(records, opts)
    local err = opts and check.options(opts, CALL)
    if not err and type(records) ~= "table" then
        err = "the records must be a list, not a " .. type(records)
    end
    for k, record in ipairs(err and {} or records) do
        err = check.options(record, RECORD)
        if err then
            err = "record " .. k .. ": " .. err
            break
        end
    end
    if err then
        return refused(err)
    elseif #records == 0 then
        return true, {}
    end
    return self.client:call("send_all", { records = records }, opts)
end

-- Waits until nothing is left to be sent.
function Producer:flush(opts)
    return self.client:call("flush", {}, opts)
end

-- true, { topic, partitions } | false, code, message. Numbers that are not given are the brokers' defaults.
function Producer:create_topic(topic, opts)
    local err = opts and check.options(opts, TOPIC)
    if err then
        return refused(err)
    end
    opts = opts or {}
    return self.client:call("create_topic", {
        topic = topic,
        partitions = opts.partitions,
        replication_factor = opts.replication_factor,
        configs = opts.configs,
    }, opts.timeout and { timeout = opts.timeout } or nil)
end

function Producer:delete_topic(topic, opts)
    return self.client:call("delete_topic", { topic = topic }, opts)
end

-- true, a list of { topic, partitions } | false, code, message.
function Producer:topics(opts)
    return self.client:call("topics", {}, opts)
end

-- true, a list of { partition, start, next, committed } | false, code, message. `next` is the offset that the next
-- record gets; `committed` is the group's, -1 if it has none.
function Producer:offsets(topic, group, opts)
    return self.client:call("offsets", { topic = topic, group = group }, opts)
end

function Producer:close()
    return self.client:close()
end

local Consumer = {}
Consumer.__index = Consumer

local consumers = 0 -- made in this worker: they are told apart by their number

-- A member of a group, which belongs to the request or timer that makes it. nil, code, message if it cannot be made.
function _M.consumer(opts)
    local options, err = options_of(opts, CONSUMER, NONE)
    if options and not options.group then
        err = "the option \"group\" is missing: the name of a consumer group"
    elseif options and (not options.topics or #options.topics == 0) then
        err = "the option \"topics\" is missing: a list of names"
    end
    if err then
        return nil, BAD_ARGUMENT, err
    end
    local connection, subscription = {}, {}
    for name, value in pairs(options) do
        (CONNECTION[name] and connection or subscription)[name] = value
    end
    local interval = subscription.commit_interval
    consumers = consumers + 1
    subscription.id, subscription.commit_interval = pid() .. "." .. consumers, nil
    local handle
    handle, err = library:client(connection)
    if not handle then
        return nil, BAD_ARGUMENT, err
    end
    local stream, code, message = handle:stream("consume", subscription)
    if not stream then
        return nil, code, message
    end
    return setmetatable({
        client = handle,
        stream = stream,
        id = subscription.id,
        batches = {}, -- lists of records that have arrived, the first of them handed out up to `at`
        at = 0,
        interval = interval,
        dealt_with = {}, -- by topic and partition: the last record that was handed out and is not committed
        committed_at = now(),
    }, Consumer)
end

local function present(value)
    if value ~= null then
        return value
    end
end

-- The next record that has arrived, or nil.
function Consumer:take()
    local batch = self.batches[1]
    if not batch then
        return nil
    end
    self.at = self.at + 1
    local r = batch[self.at]
    if self.at == #batch then
        remove(self.batches, 1)
        self.at = 0
    end
    return {
        topic = r[1],
        partition = r[2],
        offset = r[3],
        timestamp = r[4],
        key = present(r[5]),
        value = present(r[6]),
        headers = present(r[7]),
    }
end

-- Commits what was handed out, all of which has been dealt with: the caller asks for more.
function Consumer:commit_by_itself(at_once)
    if next(self.dealt_with) == nil or not at_once and now() - self.committed_at < self.interval then
        return
    end
    local records = {}
    for _, record in pairs(self.dealt_with) do
        records[#records + 1] = record
    end
    self.dealt_with, self.committed_at = {}, now()
    local ok, _, err = self:commit(records)
    if not ok then
        log(WARN, "kafka: what a consumer has dealt with cannot be committed: ", err)
    end
end

-- The next record. true, record | false, code, message; after TIMEOUT the consumer is as before.
function Consumer:recv(seconds)
    if self.interval then
        self:commit_by_itself()
    end
    local record = self:take()
    while not record do
        local ok, batch, err = self.stream:recv(seconds)
        if not ok or not batch then
            return ok, batch, err
        end
        self.batches[#self.batches + 1] = batch
        record = self:take()
    end
    if self.interval then
        self.dealt_with[record.partition .. "/" .. record.topic] = record
    end
    return true, record
end

-- Notes that a record, or each record of a list, has been dealt with, and those before it in its partition.
function Consumer:commit(record, opts)
    if type(record) ~= "table" then
        return refused("what is committed must be a record or a list of records, not a " .. type(record))
    end
    local places = {}
    for k, r in ipairs(record[1] and record or { record }) do
        places[k] = { topic = r.topic, partition = r.partition, offset = r.offset }
    end
    return self.client:call("commit", { id = self.id, records = places }, opts)
end

-- Leaves the group: others get its partitions at once.
function Consumer:close()
    if self.interval and not self.closed then
        self:commit_by_itself(true)
    end
    self.closed = true
    return self.stream:close()
end

return _M
