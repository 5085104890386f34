-- libresty_ffi.so: its declarations, and the search for it.

local ffi = require "ffi"

local ffi_load = ffi.load
local getenv = os.getenv
local open = io.open
local gmatch, gsub, match, sub = string.gmatch, string.gsub, string.match, string.sub
local concat = table.concat
local ENOENT, ENOTDIR = 2, 20

-- native/loop/host.h and native/host/nginx/nginx.h
ffi.cdef [[
typedef struct resty_ffi_loop resty_ffi_loop;
typedef struct resty_ffi_runtime resty_ffi_runtime;
typedef struct {
    void *user;
    const char *data;
    uint64_t len;
    int32_t status, nil_, state, stream;
} resty_ffi_call;
typedef struct {
    uint32_t size, max_queue, workers, load_timeout_ms, drain_ms, timeout_ms;
    uint8_t isolate, global, unpin, restart, watch;
    uint32_t files, cpus;
    uint64_t memory;
    const char *dicts, *user, *env, *settings;
} resty_ffi_options;
typedef struct {
    uint64_t calls, answered, failed, timed_out, cancelled, late, queue_full, restarts, reloads, streams;
    uint64_t bytes_in, bytes_out;
    uint32_t in_flight, workers, queued;
    int32_t process, up;
} resty_ffi_stats;
typedef struct {
    uint64_t calls, answered, bytes_in, bytes_out;
    uint64_t errors[12];
    uint64_t took[20];
    uint64_t took_us, in_flight;
} resty_ffi_method_stats;
typedef struct {
    void *readable, *writable;
    int32_t waiting, turns;
} resty_ffi_nginx_stream;

const char *resty_ffi_nginx_init(int subsystem);
resty_ffi_loop *resty_ffi_nginx_loop(int subsystem);
resty_ffi_call *resty_ffi_nginx_call_new(int subsystem);
void resty_ffi_nginx_call_free(resty_ffi_call *call);
int resty_ffi_nginx_submit(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                           uint64_t len, uint64_t timeout_ms);
resty_ffi_call *resty_ffi_nginx_stream_new(int subsystem, void *request);
void resty_ffi_nginx_stream_free(resty_ffi_call *call);
int resty_ffi_nginx_stream_open(resty_ffi_runtime *rt, resty_ffi_call *call, uint32_t method, const char *data,
                                uint64_t len, int end, uint64_t timeout_ms);
int resty_ffi_nginx_set_dict(int subsystem, const char *name, void *userdata);
void resty_ffi_nginx_exit(void);

resty_ffi_runtime *resty_ffi_runtime_load(resty_ffi_loop *l, const char *lib, const char *cfg, size_t cfg_len,
                                          const resty_ffi_options *options, char *error, size_t error_size);
int resty_ffi_runtime_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size);
void resty_ffi_runtime_unload(resty_ffi_runtime *rt);
void resty_ffi_runtime_release(resty_ffi_runtime *rt);
void resty_ffi_runtime_stats(const resty_ffi_runtime *rt, resty_ffi_stats *out);
const char *resty_ffi_runtime_method_stats(const resty_ffi_runtime *rt, uint32_t method, resty_ffi_method_stats *out);
int resty_ffi_runtime_reload(resty_ffi_runtime *rt);
int resty_ffi_runtime_reload_wait(resty_ffi_runtime *rt, int timeout_ms, char *error, size_t error_size);
const char *resty_ffi_runtime_name(const resty_ffi_runtime *rt);
uint32_t resty_ffi_runtime_timeout(const resty_ffi_runtime *rt);
int resty_ffi_runtime_method(resty_ffi_runtime *rt, const char *name, size_t len);
const char *resty_ffi_runtime_explain(resty_ffi_runtime *rt, int status);
int resty_ffi_runtime_send(resty_ffi_runtime *rt, uint32_t method, const char *data, uint64_t len,
                           uint64_t timeout_ms);
void resty_ffi_call_cancel(resty_ffi_call *call, int status);
void resty_ffi_call_release(resty_ffi_call *call);
int resty_ffi_stream_send(resty_ffi_call *call, const char *data, uint64_t len, bool end);
int resty_ffi_stream_next(resty_ffi_call *call);
void resty_ffi_stream_fail(resty_ffi_call *call, int status, const char *text);
]]

-- Whether a file can be read. Returns an error message as well if it exists and cannot be read.
local function readable(path)
    local file, err, code = open(path, "rb")
    if file then
        file:close()
        return true
    end
    return false, code ~= ENOENT and code ~= ENOTDIR and err or nil
end

-- The places to look, in this order: RESTY_FFI_LIB (nginx passes it on only with `env RESTY_FFI_LIB;`),
-- lua_package_cpath, and a checkout of the project around this file. Where dlopen searches comes last: see load.
local function places()
    local found = {}
    local given = getenv("RESTY_FFI_LIB")
    if given then
        found[#found + 1] = given
    end
    for template in gmatch(package.cpath, "[^;]*%?[^;]*") do -- without Lua's loadall.so, which has no "?"
        found[#found + 1] = (gsub(template, "%?", "libresty_ffi"))
    end
    local source = debug.getinfo(1, "S").source
    local root = sub(source, 1, 1) == "@" and match(sub(source, 2), "^(.*)packages/lua/lib/resty/ffi/[^/]*$")
    if root then
        found[#found + 1] = root .. "native/dist/lib/libresty_ffi.so"
    end
    return found
end

-- ffi.load accepts any library. A missing function shows only when it is used, so one is looked up here.
local function open_library(name)
    local lib = ffi_load(name, true)
    local _ = lib.resty_ffi_nginx_init
    return lib
end

-- Loads the library; nil and an error message. Its symbols become global, so that runtimes find them.
local function load()
    local searched, refused = places(), ""
    for _, path in ipairs(searched) do
        local there, err = readable(path)
        if err then
            refused = refused .. "; cannot read " .. err
        end
        if there then
            local ok, lib = pcall(open_library, path)
            if ok then
                return lib
            end
            return nil, "cannot load " .. path .. ": " .. lib
        end
    end
    local ok, lib = pcall(open_library, "resty_ffi")
    if ok then
        return lib
    end
    return nil, "libresty_ffi.so not found; put its folder into lua_package_cpath or LD_LIBRARY_PATH; searched "
                .. concat(searched, ", ") .. " (" .. lib .. ")" .. refused
end

return { load = load }
