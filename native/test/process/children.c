#include "children.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../check.h"

pid_t child_of(struct host *h, resty_ffi_runtime *rt)
{
    resty_ffi_call *call = resty_ffi_call_new(h->loop);
    CHECK_INT(host_call(h, rt, call, "pid", NULL), 0);
    pid_t pid = atoi(host_answer(call));
    resty_ffi_call_free(call);
    CHECK(pid > 1);
    return pid;
}

static char state_of(pid_t pid, pid_t *parent)
{
    char path[64], state = 0;
    int ppid = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %c %d", &state, &ppid) != 2)
        state = 0;
    fclose(f);
    *parent = ppid;
    return state;
}

pid_t parent_of(pid_t pid)
{
    pid_t parent = 0;
    state_of(pid, &parent);
    return parent;
}

bool ended(pid_t pid)
{
    pid_t parent;
    char state = state_of(pid, &parent);
    return state == 0 || state == 'Z' || state == 'X';
}

int own_children(void)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        pid_t pid = atoi(e->d_name), parent = 0;
        if (pid > 0 && state_of(pid, &parent) && parent == getpid())
            n++;
    }
    closedir(d);
    return n;
}

int runtime_children(pid_t *out, int max)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && n < max && (e = readdir(d));) {
        pid_t pid = atoi(e->d_name), parent = 0, grandparent = 0;
        if (pid > 0 && state_of(pid, &parent) && parent > 1 && state_of(parent, &grandparent) &&
            grandparent == getpid())
            out[n++] = pid;
    }
    closedir(d);
    return n;
}
