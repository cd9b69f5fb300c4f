/* Lets the system calls of a program fail, or end it in their midst; for LD_PRELOAD.
 *
 *   FAULT_CALL   which: pread64, pwrite64 or fdatasync; none unless given
 *   FAULT_NAME   a glob; calls on files with other names are left alone
 *   FAULT_AFTER  as many calls are made before the first that fails
 *   FAULT_BYTES  of a pwrite64: as many bytes are written before it fails, as on a disk that is full
 *   FAULT_TIMES  as many calls fail, and those behind them are made again; all, unless given
 *   FAULT_KILL   if given, the program is killed there, instead of being told EIO
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

static long number(const char *variable, long otherwise) {
    const char *value = getenv(variable);
    return value == NULL ? otherwise : atol(value);
}

static int is_meant(const char *call, int fd) {
    const char *meant = getenv("FAULT_CALL"), *glob = getenv("FAULT_NAME");
    if (meant == NULL || glob == NULL || strcmp(meant, call) != 0)
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

/* Whether this call is to fail. */
static int fails(long call, long times_more) {
    long past = call - number("FAULT_AFTER", 0);
    return past >= 0 && past < number("FAULT_TIMES", LONG_MAX - times_more) + times_more;
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
    if (is_meant("pread64", fd) && fails(calls++, 0))
        return failed();
    return real(fd, buffer, count, offset);
}

/* A write that fails after some bytes is two calls: one that is short, and one that fails. */
ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    if (is_meant("pwrite64", fd)) {
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
    if (is_meant("fdatasync", fd) && fails(calls++, 0))
        return failed();
    return real(fd);
}
