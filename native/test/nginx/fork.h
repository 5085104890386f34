/*
 * The part of an nginx that hands out connections and watches them, with fields of a fork's own in between. Included
 * once for each fork: FORK is its name, the others are fields of its own, and PREPARE(c) what it does with them; all of
 * these but FORK may be left out.
 */
#ifndef EVENT_FIRST
#define EVENT_FIRST
#endif
#ifndef AFTER_WRITE_BIT
#define AFTER_WRITE_BIT
#endif
#ifndef AFTER_HANDLER
#define AFTER_HANDLER
#endif
#ifndef AFTER_DATA
#define AFTER_DATA
#endif
#ifndef AFTER_WRITE
#define AFTER_WRITE
#endif
#ifndef AFTER_FD
#define AFTER_FD
#endif
#ifndef PREPARE
#define PREPARE(c)
#endif

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OWN(name) JOIN(FORK, name)

struct OWN(connection);
struct OWN(event) {
    EVENT_FIRST
    void *data;
    unsigned write : 1;
    AFTER_WRITE_BIT
    unsigned accept : 1;
    unsigned instance : 1;
    unsigned active : 1;
    unsigned disabled : 1;
    unsigned ready : 1;
    int available;
    void (*handler)(struct OWN(event) *);
    AFTER_HANDLER
    uintptr_t index;
    void *log;
    char rest[100];
};

struct OWN(connection) {
    void *data;
    AFTER_DATA
    struct OWN(event) * read, *write;
    AFTER_WRITE
    int fd;
    AFTER_FD
    void *functions[4];
    void *log;
    char rest[100];
};

static struct OWN(connection) OWN(own);
static struct OWN(event) OWN(read_event), OWN(write_event);

static void OWN(start)(void)
{
    OWN(own).read = &OWN(read_event);
    OWN(own).write = &OWN(write_event);
    OWN(own).fd = -1;
}

static void *OWN(get)(int fd, void *log)
{
    struct OWN(connection) *c = &OWN(own);
    struct OWN(event) *r = c->read, *w = c->write;
    unsigned instance = !r->instance;
    memset(c, 0, sizeof *c);
    memset(r, 0, sizeof *r);
    memset(w, 0, sizeof *w);
    c->read = r;
    c->write = w;
    c->fd = fd;
    c->log = log;
    r->data = w->data = c;
    r->instance = w->instance = instance;
    r->index = w->index = 0xd0d0d0d0;
    w->write = 1;
    PREPARE(c)
    return c;
}

static intptr_t OWN(add)(void *ev, intptr_t event, uintptr_t flags)
{
    struct OWN(event) *r = ev;
    struct OWN(connection) *c = r->data;
    (void)event;
    (void)flags;
    CHECK_INT(c->write->active, 0);
    CHECK(c->read == r);
    CHECK(r->log == nginx.cycle.log);
    watched = c;
    watched_fd = c->fd;
    r->active = 1;
    return 0;
}

static intptr_t OWN(del)(void *ev, intptr_t event, uintptr_t flags)
{
    struct OWN(event) *r = ev;
    (void)event;
    (void)flags;
    CHECK_INT(r->active, 1);
    r->active = 0;
    watched = NULL;
    return 0;
}

static void OWN(serve)(void)
{
    struct OWN(connection) *c = watched;
    c->read->ready = 1;
    c->read->available = -1;
    c->read->handler(c->read);
}

static const struct fork OWN(fork) = {OWN(start), OWN(get), OWN(add), OWN(del), OWN(serve), &OWN(own)};

#undef JOIN_
#undef JOIN
#undef OWN
#undef FORK
#undef EVENT_FIRST
#undef AFTER_WRITE_BIT
#undef AFTER_HANDLER
#undef AFTER_DATA
#undef AFTER_WRITE
#undef AFTER_FD
#undef PREPARE
