/*
 * Finds a JVM. nginx removes the environment of its workers, so JAVA_HOME and PATH are often missing. Then the default
 * of the machine counts (/usr/bin/java, default-java), and without a default the newest JVM that is installed.
 */
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader.h"

static const char *const chosen[] = {
    "/usr/lib/jvm/default-java",
    "/usr/lib/jvm/default",
    "/usr/lib/jvm/java",
};

static const char *const many[] = {
    "/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/jdk*", "/usr/local/openjdk*",
};

/* Returns the major version of the Java in home, from its release file; 0 = unknown. */
static int version(const char *home)
{
    char path[PATH_MAX], line[256];
    int major = 0;
    snprintf(path, sizeof path, "%s/release", home);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "JAVA_VERSION=\"%d", &major) == 1)
            break;
    }
    fclose(f);
    return major;
}

/* Returns the version in home if it can be used (unknown counts as the oldest), else 0, and adds the reason. */
static int usable(const char *home, char *lib, size_t size, struct trouble *t)
{
    if (snprintf(lib, size, "%s/lib/server/libjvm.so", home) >= (int)size || access(lib, R_OK))
        return 0;
    int major = version(home);
    if (!major)
        return LOADER_OLDEST_JAVA;
    if (major >= LOADER_OLDEST_JAVA)
        return major;
    trouble_add(t, "%s is Java %d, which is too old; ", home, major);
    return 0;
}

static int usable_command(char *lib, size_t size, struct trouble *t)
{
    char java[PATH_MAX];
    if (!realpath("/usr/bin/java", java))
        return 0;
    return usable(dirname(dirname(java)), lib, size, t); /* HOME/bin/java */
}

static int usable_newest(const char *pattern, char *lib, size_t size, struct trouble *t)
{
    glob_t found;
    char candidate[PATH_MAX];
    int newest = 0;
    if (glob(pattern, 0, NULL, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int major = usable(found.gl_pathv[i], candidate, sizeof candidate, t);
        if (major > newest && snprintf(lib, size, "%s", candidate) < (int)size)
            newest = major;
    }
    globfree(&found);
    return newest;
}

/* Finds the JVM of a home that a setting or a variable names. */
static int find_named(const char *who, const char *home, char *path, size_t size, struct trouble *t)
{
    if (usable(home, path, size, t))
        return 0;
    trouble_add(t,
                "%s is %s, but %s/lib/server/libjvm.so of Java %d or newer is not there: correct it, or leave it out",
                who, home, home, LOADER_OLDEST_JAVA);
    return -1;
}

int jvm_find(const char *home, char *path, size_t size, struct trouble *t)
{
    const char *variable = getenv("JAVA_HOME");
    t->text[0] = 0;
    if (home)
        return find_named("the option java_home", home, path, size, t);
    if (variable && *variable)
        return find_named("JAVA_HOME", variable, path, size, t);
    if (usable_command(path, size, t))
        return 0;
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        if (usable(chosen[i], path, size, t))
            return 0;
    }
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        if (usable_newest(many[i], path, size, t))
            return 0;
    }
    trouble_add(t,
                "no Java %d or newer was found: JAVA_HOME is not set, and there is no lib/server/libjvm.so beside "
                "/usr/bin/java",
                LOADER_OLDEST_JAVA);
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        trouble_add(t, ", in %s", chosen[i]);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        trouble_add(t, ", in %s", many[i]);
    trouble_add(t, "; install a JRE or set JAVA_HOME (in nginx: env JAVA_HOME=...;)");
    return -1;
}
