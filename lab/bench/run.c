/* What a program takes, told by the kernel.
 *
 *   run PROGRAM [ARGUMENT…]    runs it, throws away what it prints, and prints
 *                              `seconds S cpu S peak BYTES read BYTES`
 *
 * The first seconds are from before the fork to after its end, the others those of processors. The
 * peak is that of its resident memory, and what was read is what came from a disk rather than from a
 * cache. Those of the children that it waited for count as its own. It ends as the program does.
 *
 * A program of its own, since a child's peak is never told as less than its parent's was at the fork.
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
    /* Linux counts kibibytes and blocks of 512 bytes. */
    printf("seconds %.6f cpu %.6f peak %ld read %ld\n", seconds,
           in_seconds(used.ru_utime) + in_seconds(used.ru_stime), used.ru_maxrss * 1024,
           used.ru_inblock * 512);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
