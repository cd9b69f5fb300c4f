/* The floor of a scan: the least that a program on Linux can do to read the first 4 KiB of each file
 * of a tree. The rest of netswap's time is its own.
 *
 *   floor [--random] THREADS DIR    reads the tree and prints `files N bytes N`
 *   floor --open FILE               reads one file, which shows the cost of starting a process
 *
 * --random tells the kernel not to read ahead.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WINDOW = 4096,       /* of each file */
    LISTING = 32 * 1024, /* of a directory, at once */
    BATCH = 32           /* files per task, so that threads also share a flat directory */
};

struct directory {
    struct directory *below;  /* on the stack */
    struct directory *parent; /* NULL once it is open */
    atomic_int users;         /* the stack or a thread, the batches, the unopened children */
    int fd;
    ssize_t at, end; /* the rest of the listing */
    char *listing;
    char name[]; /* relative to the parent */
};

/* Names of files in one directory, which one thread reads. */
struct batch {
    int count;
    char names[BATCH][NAME_MAX + 1];
};

struct totals {
    long files, bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct directory *top; /* of the stack of directories with unread entries */
static int threads, idle;
static bool no_read_ahead;

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void push(struct directory *directory) {
    pthread_mutex_lock(&lock);
    directory->below = top;
    top = directory;
    if (idle > 0)
        pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

/* Returns the next directory, or NULL when all threads wait for one. */
static struct directory *pop(void) {
    pthread_mutex_lock(&lock);
    while (top == NULL) {
        if (++idle == threads)
            pthread_cond_broadcast(&changed);
        else
            pthread_cond_wait(&changed, &lock);
        if (idle == threads) {
            pthread_mutex_unlock(&lock);
            return NULL;
        }
        idle--;
    }
    struct directory *directory = top;
    top = directory->below;
    pthread_mutex_unlock(&lock);
    return directory;
}

static struct directory *new_directory(struct directory *parent, const char *name) {
    struct directory *directory = calloc(1, sizeof *directory + strlen(name) + 1);
    if (directory == NULL)
        die("calloc");
    strcpy(directory->name, name);
    directory->users = 1;
    directory->fd = -1;
    directory->parent = parent;
    if (parent != NULL)
        parent->users++;
    return directory;
}

static void release(struct directory *directory) {
    if (--directory->users > 0)
        return;
    close(directory->fd);
    free(directory->listing);
    free(directory);
}

static void open_directory(struct directory *directory) {
    int at = directory->parent != NULL ? directory->parent->fd : AT_FDCWD;
    directory->fd = openat(at, directory->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    directory->listing = malloc(LISTING);
    if (directory->fd < 0 || directory->listing == NULL)
        die(directory->name);
    if (directory->parent != NULL)
        release(directory->parent);
    directory->parent = NULL;
}

static unsigned char kind(struct directory *directory, struct dirent64 *entry) {
    struct stat status;
    if (entry->d_type != DT_UNKNOWN) /* some file systems don't set it */
        return entry->d_type;
    if (fstatat(directory->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        die(entry->d_name);
    return IFTODT(status.st_mode);
}

/* Fills the batch from the directory's listing and pushes its subdirectories. Returns whether there
 * may be more entries. */
static bool fill_batch(struct directory *directory, struct batch *batch) {
    batch->count = 0;
    while (batch->count < BATCH) {
        if (directory->at == directory->end) {
            directory->at = 0;
            directory->end = getdents64(directory->fd, directory->listing, LISTING);
            if (directory->end < 0)
                die("getdents64");
            if (directory->end == 0)
                return false;
        }
        struct dirent64 *entry = (struct dirent64 *)(directory->listing + directory->at);
        directory->at += entry->d_reclen;
        const char *name = entry->d_name;
        switch (kind(directory, entry)) {
        case DT_REG:
            strcpy(batch->names[batch->count++], name);
            break;
        case DT_DIR:
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
                push(new_directory(directory, name));
        }
    }
    return true;
}

static void read_file(int at, const char *name, struct totals *totals) {
    char window[WINDOW];
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        die(name);
    if (no_read_ahead)
        posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    ssize_t length = pread(fd, window, WINDOW, 0);
    if (length < 0)
        die(name);
    close(fd);
    totals->files++;
    totals->bytes += length;
}

static void *work(void *own) {
    struct batch batch;
    struct totals totals = {0, 0};
    struct directory *directory;
    while ((directory = pop()) != NULL) {
        if (directory->fd < 0)
            open_directory(directory);
        if (fill_batch(directory, &batch)) {
            directory->users++;
            push(directory);
        }
        for (int i = 0; i < batch.count; i++)
            read_file(directory->fd, batch.names[i], &totals);
        release(directory);
    }
    *(struct totals *)own = totals;
    return NULL;
}

int main(int count, char **arguments) {
    struct totals all = {0, 0};
    if (count == 3 && strcmp(arguments[1], "--open") == 0) {
        read_file(AT_FDCWD, arguments[2], &all);
        return 0;
    }
    no_read_ahead = count == 4 && strcmp(arguments[1], "--random") == 0;
    if (count == 3 || no_read_ahead)
        threads = atoi(arguments[count - 2]);
    if (threads < 1) {
        fputs("usage: floor [--random] THREADS DIR\n       floor --open FILE\n", stderr);
        return 2;
    }
    push(new_directory(NULL, arguments[count - 1]));
    pthread_t ids[threads];
    struct totals own[threads];
    for (int i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, &own[i]) != 0)
            die("pthread_create");
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        all.files += own[i].files;
        all.bytes += own[i].bytes;
    }
    printf("files %ld bytes %ld\n", all.files, all.bytes);
    return 0;
}
