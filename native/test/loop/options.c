/* Options of a load: defaults, and what two loads of the same key must agree on. */
#include <stdlib.h>
#include <string.h>

#include "../../loop/options.h"
#include "../check.h"

/* Of every option one value that is not its default, and what is said if a runtime with the defaults is loaded. */
static const struct {
    size_t at, size;
    uint64_t number; /* text NULL */
    const char *text;
    const char *differs;
} given[] = {
#define NUMBER(field, value, differs)                                                                                  \
    {                                                                                                                  \
        offsetof(resty_ffi_options, field), sizeof((resty_ffi_options *)0)->field, value, NULL, differs                \
    }
#define TEXT(field, value, differs)                                                                                    \
    {                                                                                                                  \
        offsetof(resty_ffi_options, field), sizeof(char *), 0, value, differs                                          \
    }
    NUMBER(max_queue, 7, "max_queue = 65536, not 7"),
    NUMBER(workers, 4, "workers = 1, not 4"),
    NUMBER(load_timeout_ms, 1500, "load_timeout = 30 s, not 1.5 s"),
    NUMBER(drain_ms, 1, "drain_timeout = 30 s, not 0.001 s"),
    NUMBER(timeout_ms, RESTY_FFI_FOREVER, "timeout = 5 s, not none"),
    NUMBER(isolate, RESTY_FFI_YES, "isolate = false, not true"),
    NUMBER(global, RESTY_FFI_YES, "is_global = false, not true"),
    NUMBER(unpin, RESTY_FFI_YES, "unpin = false, not true"),
    NUMBER(restart, RESTY_FFI_NO, "restart = true, not false"),
    NUMBER(watch, RESTY_FFI_YES, "watch = false, not true"),
    NUMBER(files, 8, "limits.files = none, not 8"),
    NUMBER(cpus, 1, "limits.cpus = none, not 1"),
    NUMBER(memory, 1ull << 33, "limits.memory = none, not 8589934592"),
    TEXT(dicts, "a\0b\0", "dicts = none, not { \"a\", \"b\" }"),
    TEXT(user, "nobody", "user = none, not \"nobody\""),
    TEXT(env, "PATH\0SECRET=x\0", "env = none, not { \"PATH\", \"SECRET=...\" }"),
    TEXT(settings, "node\0/n\0", "node = none, not \"/n\""),
};

enum { GIVEN = sizeof given / sizeof *given };

static resty_ffi_options with(int k)
{
    resty_ffi_options o = {.size = sizeof o};
    if (k >= 0 && given[k].text)
        *(const char **)(void *)((char *)&o + given[k].at) = given[k].text;
    else if (k >= 0)
        memcpy((char *)&o + given[k].at, &given[k].number, given[k].size); /* little-endian, as all that we ship */
    return o;
}

static resty_ffi_options complete(resty_ffi_options o)
{
    rf_options_complete(&o);
    return o;
}

/* A new field is one more row here, and the pad behind the flags is all that no row covers. */
TEST(every_option_has_a_rule)
{
    size_t covered = sizeof((resty_ffi_options *)0)->size;
    for (int k = 0; k < GIVEN; k++)
        covered += given[k].size;
    CHECK_INT(covered + 3, sizeof(resty_ffi_options));
}

TEST(an_option_that_is_not_given_may_be_anything)
{
    char text[400];
    resty_ffi_options nothing = with(-1);
    for (int k = -1; k < GIVEN; k++) {
        resty_ffi_options have = complete(with(k)), same = with(k);
        CHECK(!rf_options_differ(&have, &nothing, text, sizeof text));
        CHECK(!rf_options_differ(&have, &same, text, sizeof text));
    }
}

TEST(an_option_that_is_given_must_be_the_same)
{
    char text[400];
    resty_ffi_options standard = complete(with(-1));
    for (int k = 0; k < GIVEN; k++) {
        resty_ffi_options asked = with(k);
        CHECK(rf_options_differ(&standard, &asked, text, sizeof text));
        CHECK_TEXT(text, given[k].differs);
    }
}

/* The defaults as a second load would spell them out. */
TEST(the_defaults_may_be_given)
{
    char text[400];
    resty_ffi_options standard = complete(with(-1));
    const resty_ffi_options said = {.size = sizeof said,
                                    .max_queue = 65536,
                                    .workers = 1,
                                    .load_timeout_ms = 30000,
                                    .drain_ms = 30000,
                                    .timeout_ms = 5000,
                                    .isolate = RESTY_FFI_NO,
                                    .global = RESTY_FFI_NO,
                                    .unpin = RESTY_FFI_NO,
                                    .restart = RESTY_FFI_YES,
                                    .watch = RESTY_FFI_NO,
                                    .dicts = "",
                                    .settings = ""};
    CHECK(!rf_options_differ(&standard, &said, text, sizeof text));
    resty_ffi_options again = complete(said);
    const size_t flags = offsetof(resty_ffi_options, watch) + 1, files = offsetof(resty_ffi_options, files); /* a gap */
    CHECK(memcmp(&again, &standard, flags) == 0);
    CHECK(memcmp((char *)&again + files, (char *)&standard + files, offsetof(resty_ffi_options, dicts) - files) == 0);
}

static const char *difference(resty_ffi_options have, resty_ffi_options asked)
{
    static char text[400];
    have = complete(have);
    return rf_options_differ(&have, &asked, text, sizeof text) ? text : "none";
}

TEST(lists_are_compared_whole)
{
#define DICTS(list) ((resty_ffi_options){.dicts = (list)})
#define ENV(list) ((resty_ffi_options){.env = (list)})
#define SET(list) ((resty_ffi_options){.settings = (list)})
    CHECK_TEXT(difference(DICTS("a\0b\0"), DICTS("a\0b\0")), "none");
    CHECK_TEXT(difference(DICTS("a\0b\0"), DICTS("b\0a\0")), "dicts = { \"a\", \"b\" }, not { \"b\", \"a\" }");
    CHECK_TEXT(difference(DICTS("a\0b\0"), DICTS("a\0")), "dicts = { \"a\", \"b\" }, not { \"a\" }");
    CHECK_TEXT(difference(DICTS("a\0"), DICTS("")), "dicts = { \"a\" }, not {}");
    CHECK_TEXT(difference(ENV(NULL), ENV("")), "env = none, not {}"); /* all variables, and none at all */
    CHECK_TEXT(difference(ENV("A=1\0"), ENV("A=2\0")), "env = { \"A=...\" }, not { \"A=...\" }");
    CHECK_TEXT(difference(SET("venv\0/v\0node\0/n\0"), SET("node\0/n\0")), "none");
    CHECK_TEXT(difference(SET("venv\0/v\0node\0/n\0"), SET("node\0/m\0")), "node = \"/n\", not \"/m\"");
    CHECK_TEXT(difference(SET("node\0venv\0"), SET("venv\0/v\0")), "venv = none, not \"/v\"");
}

TEST(long_values_are_cut)
{
    char text[400], *many = calloc(1, 5000), *name = calloc(1, 5000);
    for (int k = 0; k < 2000; k += 2)
        many[k] = 'a';
    memset(name, 'n', 4000);
    resty_ffi_options standard = complete(with(-1)), o = with(-1);
    o.dicts = many;
    CHECK(rf_options_differ(&standard, &o, text, sizeof text));
    CHECK(strlen(text) < sizeof text - 1);
    o.dicts = NULL;
    o.user = name;
    CHECK(rf_options_differ(&standard, &o, text, sizeof text));
    CHECK(strlen(text) < 300);
    free(many);
    free(name);
}
