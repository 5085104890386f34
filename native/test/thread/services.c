/* What a host does for its runtimes: its log and its shared dict. */
#include <stdio.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_runtime *rt;

static void set_up(const resty_ffi_options *o)
{
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", NULL, o);
}

TEST(lines_arrive_at_their_level)
{
    set_up(&host_thread);
    host_expect(&h, rt, "log", "error something broke", "");
    host_expect(&h, rt, "log", "debug a detail", "");
    host_expect(&h, rt, "log", "emerg the end", "");
    CHECK(host_logged(&h, "4 ffi_c_methods: something broke\n"));
    CHECK(host_logged(&h, "8 ffi_c_methods: a detail\n"));
    CHECK(host_logged(&h, "1 ffi_c_methods: the end\n"));
    host_close(&h);
}

TEST(lines_and_answers_keep_their_order)
{
    char want[32];
    set_up(&host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "batch", "300"), 0);
    const char *at = h.log;
    for (int k = 0; k < 300; k++) {
        snprintf(want, sizeof want, ": line %d\n", k);
        CHECK(at && (at = strstr(at, want)));
    }
    resty_ffi_call_free(call);
    host_close(&h);
}

static void use_dict(const resty_ffi_options *o)
{
    set_up(o);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "dict", "get colour"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "dict", "set colour green"), 0);
    host_expect(&h, rt, "dict", "get colour", "green");
    CHECK_INT(host_call(&h, rt, call, "dict", "set colour blue"), 0);
    host_expect(&h, rt, "dict", "get colour", "blue");
    host_expect(&h, rt, "dict", "incr count 5", "5");
    host_expect(&h, rt, "dict", "incr count -7", "-2");
    CHECK_INT(host_call(&h, rt, call, "dict", "incr colour 1"), RESTY_FFI_BAD_ARGUMENT);
    CHECK_TEXT(host_answer(call), "not a number");
    CHECK_INT(host_call(&h, rt, call, "dict", "delete colour"), 0);
    CHECK_INT(host_call(&h, rt, call, "dict", "get colour"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "dict", "set short lived 30"), 0);
    host_expect(&h, rt, "dict", "get short", "lived");
    host_rest(&h, 50);
    CHECK_INT(host_call(&h, rt, call, "dict", "get short"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "dict", "nonsense k v"), RESTY_FFI_BAD_ARGUMENT);
    host_expect(&h, rt, "dict", "add once 1", "1");
    CHECK_INT(host_call(&h, rt, call, "dict", "add once 2"), 0);
    CHECK(call->nil);
    host_expect(&h, rt, "dict", "get once", "1");
    CHECK_INT(host_call(&h, rt, call, "dict", "in other get once"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "dict", "in other set once 3"), 0);
    host_expect(&h, rt, "dict", "in other get once", "3");
    host_expect(&h, rt, "dict", "in cache get once", "1");
    host_expect(&h, rt, "dict", "incr brief 2 30", "2");
    host_rest(&h, 50);
    CHECK_INT(host_call(&h, rt, call, "dict", "get brief"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "dict", "in secret get k"), RESTY_FFI_BAD_ARGUMENT);
    CHECK_HAS(host_answer(call), "may not use the shared dict \"secret\"");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(the_dict_serves_threads)
{
    use_dict(&host_thread);
}

TEST(the_dict_serves_processes)
{
    use_dict(&host_process);
}

TEST(runtimes_share_the_dict)
{
    set_up(&host_thread);
    resty_ffi_runtime *other = host_load(&h, "ffi_c_methods", "2", &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "dict", "set k from-a-thread"), 0);
    host_expect(&h, other, "dict", "get k", "from-a-thread");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(no_dict_without_permission)
{
    resty_ffi_options o = host_thread;
    o.dicts = NULL;
    set_up(&o);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "dict", "get k"), RESTY_FFI_BAD_ARGUMENT);
    CHECK_HAS(host_answer(call), "may not use a shared dict: name it in the option dicts");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(a_flood_of_lines_is_limited)
{
    set_up(&host_thread);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    for (int k = 0; k < 20; k++)
        CHECK_INT(host_call(&h, rt, call, "batch", "300"), 0);
    resty_ffi_call_free(call);
    host_rest(&h, 1100);
    host_expect(&h, rt, "log", "error after", "");
    CHECK(host_logged(&h, "more lines within a second were left out"));
    CHECK(host_logged(&h, "4 ffi_c_methods: after"));
    int lines = 0;
    for (const char *at = h.log; (at = strstr(at, ": line ")); at++)
        lines++;
    CHECK(lines >= 1000 && lines < 6000);
    host_close(&h);
}

TEST(each_line_of_a_text_counts)
{
    enum { TEXTS = 100, LINES = 600 };
    char text[8 + 2 * LINES] = "error x";
    for (int k = 1; k < LINES; k++)
        strcat(text + k * 2, "\nx");
    set_up(&host_thread);
    uint64_t start = check_now();
    for (int k = 0; k < TEXTS; k++)
        host_expect(&h, rt, "log", text, "");
    uint64_t seconds = (check_now() - start) / 1000 + 2;
    uint64_t written = 0;
    for (const char *at = h.log; (at = strstr(at, "ffi_c_methods: x\n")); at++)
        written++;
    /* The first that does not fit is left out, and so are all after it in that second. */
    CHECK(written >= 2 && written <= 2 * seconds && written < TEXTS);
    host_close(&h);
}
