/* Makes system calls of a program fail with EIO, or kills the program there. For LD_PRELOAD.
 *
 *   FAULT_CALL   the call that fails: pread64, pwrite64 or fdatasync. Default: none
 *   FAULT_NAME   a glob for the names of the files whose calls fail
 *   FAULT_AFTER  the number of calls before the first that fails. Default: 0
 *   FAULT_BYTES  the number of bytes that the failing pwrite64 writes, as on a full disk. Default: 0
 *   FAULT_TIMES  the number of calls that fail. Default: all
 *   FAULT_KILL   if set, kills the program instead of failing
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *variable, long default_value) {
    const char *value = getenv(variable);
    return value == NULL ? default_value : atol(value);
}

static int is_selected(const char *call, int fd) {
    const char *selected = getenv("FAULT_CALL"), *glob = getenv("FAULT_NAME");
    if (selected == NULL || glob == NULL || strcmp(selected, call) != 0)
        return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    const char *slash = strrchr(path, '/');
    return slash != NULL && fnmatch(glob, slash + 1, 0) == 0;
}

/* Whether this call fails. */
static int fails(long call, long more_times) {
    long past = call - number("FAULT_AFTER", 0);
    return past >= 0 && past < number("FAULT_TIMES", LONG_MAX - more_times) + more_times;
}

static int failed(void) {
    if (getenv("FAULT_KILL") != NULL)
        raise(SIGKILL);
    errno = EIO;
    return -1;
}

ssize_t pread64(int fd, void *buffer, size_t count, off64_t offset) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (real == NULL)
        real = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    if (is_selected("pread64", fd) && fails(calls++, 0))
        return failed();
    return real(fd, buffer, count, offset);
}

/* A write that fails after some bytes consists of two calls: a short write, and one that fails. */
ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    if (is_selected("pwrite64", fd)) {
        long call = calls++, bytes = number("FAULT_BYTES", 0);
        if (call == number("FAULT_AFTER", 0) && bytes > 0) {
            ssize_t written = real(fd, buffer, (size_t)bytes < count ? (size_t)bytes : count, offset);
            return getenv("FAULT_KILL") == NULL ? written : failed();
        }
        if (fails(call, bytes > 0))
            return failed();
    }
    return real(fd, buffer, count, offset);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (is_selected("fdatasync", fd) && fails(calls++, 0))
        return failed();
    return real(fd);
}
