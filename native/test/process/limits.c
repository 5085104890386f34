/* What a child process may use, what it knows of the host, and what it prints. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_runtime *rt;

static void set_up(const resty_ffi_options *o)
{
    host_open(&h);
    rt = host_load(&h, "ffi_c_methods", NULL, o);
}

static void wait_for_log(const char *text)
{
    uint64_t end = check_now() + 5000;
    while (!host_logged(&h, text)) {
        if (check_now() > end)
            check_failed(__FILE__, __LINE__, "no \"%s\" in: %s", text, h.log ? h.log : "");
        host_run(&h, 20);
    }
}

TEST(what_it_prints_is_logged)
{
    set_up(&host_process);
    host_expect(&h, rt, "print", "stdout hello from a child", "");
    host_expect(&h, rt, "print", "stderr and a complaint", "");
    wait_for_log("6 ffi_c_methods: hello from a child\n");
    wait_for_log("4 ffi_c_methods: and a complaint\n");
    char *large = malloc(5001);
    memset(large, 'x', 5000);
    memcpy(large, "stdout ", 7);
    large[5000] = 0;
    host_expect(&h, rt, "print", large, "");
    free(large);
    host_expect(&h, rt, "print", "stdout next", "");
    wait_for_log("6 ffi_c_methods: next\n");
    host_close(&h);
}

TEST(last_words_are_logged)
{
    set_up(&host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "crash", "last words"), RESTY_FFI_EXITED);
    wait_for_log("4 ffi_c_methods: last words\n");
    resty_ffi_call_free(call);
    host_close(&h);
}

/* Without a flush, and before anything makes it end. */
TEST(what_stdio_prints_is_logged_at_once)
{
    host_open(&h);
    rt = host_load(&h, "ffi_c_exits", "print a line", &host_process);
    wait_for_log("6 ffi_c_exits: a line\n");
    host_expect(&h, rt, "any", "x", "x");
    host_close(&h);
}

TEST(memory_is_limited)
{
    resty_ffi_options o = host_process;
    o.memory = (CHECK_SANITIZED ? 512ull : 32ull) << 20;
    set_up(&o);
    host_expect(&h, rt, "hold", "1", "1");
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "hold", CHECK_SANITIZED ? "1024" : "64"), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "limits.memory allows ");
    resty_ffi_call_free(call);
    host_expect(&h, rt, "echo", "restarted", "restarted");
    host_close(&h);
}

TEST(files_and_processors_are_limited)
{
    resty_ffi_options o = host_process;
    o.files = 77;
    o.cpus = 1;
    set_up(&o);
    host_expect(&h, rt, "limits", NULL, "files 77 cpus 1");
    host_close(&h);
}

TEST(the_environment_is_an_allow_list)
{
    resty_ffi_options o = host_process;
    setenv("PASSED_ON", "yes", 1);
    setenv("KEPT_BACK", "no", 1);
    o.env = "PASSED_ON\0MADE=up\0NOT_THERE\0";
    set_up(&o);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    host_expect(&h, rt, "env", "PASSED_ON", "yes");
    host_expect(&h, rt, "env", "MADE", "up");
    CHECK_INT(host_call(&h, rt, call, "env", "KEPT_BACK"), 0);
    CHECK(call->nil);
    CHECK_INT(host_call(&h, rt, call, "env", "HOME"), 0);
    CHECK(call->nil);
    resty_ffi_call_free(call);
    host_close(&h);
}

/* A checkout below a folder of root's own cannot be read by others: then nothing can run as one of them. */
static bool others_can_read(const struct passwd *other)
{
    char path[4300];
    int status = 1;
    host_library("ffi_c_methods", path, sizeof path);
    pid_t pid = fork();
    if (pid == 0)
        _exit(setgid(other->pw_gid) != 0 || setuid(other->pw_uid) != 0 || access(path, R_OK) != 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    return status == 0;
}

TEST(it_runs_as_another_user)
{
    resty_ffi_options o = host_process;
    char uid[32];
    o.user = "nobody";
    if (getuid() != 0) {
        host_open(&h);
        CHECK(!host_try(&h, "ffi_c_methods", NULL, &o));
        CHECK_HAS(h.error, "needs a host that runs as root");
        host_close(&h);
        return;
    }
    if (!others_can_read(getpwnam("nobody"))) {
        fprintf(stderr, "skipped: this folder cannot be read by the user nobody\n");
        return;
    }
    set_up(&o);
    snprintf(uid, sizeof uid, "%d", (int)getpwnam("nobody")->pw_uid);
    host_expect(&h, rt, "uid", NULL, uid);
    host_close(&h);
}

TEST(an_unknown_user_is_refused)
{
    resty_ffi_options o = host_process;
    o.user = "no-such-user";
    host_open(&h);
    CHECK(!host_try(&h, "ffi_c_methods", NULL, &o));
    CHECK_HAS(h.error, "the option user is \"no-such-user\"");
    host_close(&h);
}
