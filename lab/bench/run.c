/* Measures the resources of a program, as the kernel reports them.
 *
 *   run PROGRAM [ARGUMENT…]    runs it, discards its output, and prints
 *                              `seconds S cpu S peak BYTES read BYTES`
 *
 * `seconds` is the time from before the fork to after the exit. `cpu` is the processor time in
 * seconds. `peak` is the largest resident memory. `read` counts bytes from a disk, not from a cache.
 * All include the children that the program waited for. The exit code is the program's.
 *
 * This is a separate, small program, because the kernel reports at least the parent's memory at the
 * fork as a child's peak.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double in_seconds(struct timeval time) {
    return time.tv_sec + time.tv_usec / 1e6;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fputs("usage: run PROGRAM [ARGUMENT…]\n", stderr);
        return 2;
    }
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        dup2(nothing, STDOUT_FILENO);
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (child < 0 || wait4(child, &status, 0, &used) != child) {
        perror("run");
        return 127;
    }
    double seconds = now() - start;
    /* Linux reports kibibytes and blocks of 512 bytes. */
    printf("seconds %.6f cpu %.6f peak %ld read %ld\n", seconds,
           in_seconds(used.ru_utime) + in_seconds(used.ru_stime), used.ru_maxrss * 1024,
           used.ru_inblock * 512);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
