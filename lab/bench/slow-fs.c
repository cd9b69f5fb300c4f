/* A high-latency share: a read-only FUSE file system that shows a folder and delays each request by a
 * network's round trip. It counts the requests.
 *
 *   slow-fs [--fail-read GLOB] MILLISECONDS SOURCE MOUNTPOINT
 *
 * It prints `mounted`. Then for each line on standard input it prints how many requests of each kind
 * it received since the last line, and how many bytes were read. It ends when standard input ends, so
 * a mount never outlives the program that started it. With --fail-read, reads of files whose name
 * matches fail with EIO.
 *
 * The same operations cost a round trip here as over SMB:
 *
 * - A directory is opened, and listed with the attributes of its entries (readdirplus), as SMB's
 *   QUERY_DIRECTORY does. No plain listing is offered.
 * - The attributes from a listing or a lookup are cached for 10 seconds, as Windows does by default
 *   (FileInfoCacheLifetime and DirectoryCacheLifetime). Linux' client has `actimeo`, 1 second. So
 *   opening a file that was just listed costs one request, SMB's CREATE, and no lookup. After that
 *   time it also costs a lookup. Missing names are not cached.
 * - The kernel caches an open file and reads ahead. An SMB client does so under a lease, and knows the
 *   length of the file. The cache is discarded when the file is closed.
 * - Closing costs nothing, because a client does not wait for the response to SMB's CLOSE.
 *
 * Requests wait in parallel: there are more threads than a scan has requests in flight.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

enum kind { LOOKUP, GETATTR, OPENDIR, READDIR, OPEN, READ, BYTES, KINDS };

static const char *const KIND_NAMES[KINDS] = {"lookup", "getattr", "opendir", "readdir",
                                              "open",   "read",    "bytes"};

static atomic_long counts[KINDS];
static const double LIFETIME = 10; /* of cached attributes, in seconds */
static double milliseconds;
static const char *fail_read;
static int source;

/* Counts a request and waits for the time of a round trip. */
static void round_trip(enum kind kind) {
    counts[kind]++;
    long nanoseconds = milliseconds * 1e6;
    struct timespec wait = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
}

/* All paths below the source that were looked up. The address of a path is its inode number, so each
 * path is here only once. Paths are never removed, because trees are small. */
static void *paths;
static pthread_mutex_t paths_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *path_of(fuse_ino_t ino) {
    return ino == FUSE_ROOT_ID ? "." : (const char *)ino;
}

static int compare(const void *left, const void *right) {
    return strcmp(left, right);
}

/* Returns the inode number of this path, or 0 if there is no memory. Takes ownership of the path. */
static fuse_ino_t inode_of(char *path) {
    pthread_mutex_lock(&paths_lock);
    char **known = tsearch(path, &paths, compare);
    pthread_mutex_unlock(&paths_lock);
    if (known == NULL || *known != path)
        free(path);
    return known == NULL ? 0 : (fuse_ino_t)*known;
}

/* Returns 0 or an errno. */
static int find(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry) {
    char *path;
    memset(entry, 0, sizeof *entry);
    if (asprintf(&path, "%s/%s", path_of(parent), name) < 0)
        return ENOMEM;
    if (fstatat(source, path, &entry->attr, AT_SYMLINK_NOFOLLOW) < 0) {
        int error = errno;
        free(path);
        return error;
    }
    entry->attr_timeout = entry->entry_timeout = LIFETIME;
    entry->ino = inode_of(path);
    return entry->ino == 0 ? ENOMEM : 0;
}

static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
    struct fuse_entry_param entry;
    round_trip(LOOKUP);
    int error = find(parent, name, &entry);
    if (error != 0)
        fuse_reply_err(request, error);
    else
        fuse_reply_entry(request, &entry);
}

static void getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
    struct stat status;
    (void)info;
    round_trip(GETATTR);
    if (fstatat(source, path_of(ino), &status, AT_SYMLINK_NOFOLLOW) < 0)
        fuse_reply_err(request, errno);
    else
        fuse_reply_attr(request, &status, LIFETIME);
}

static void open_file(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
    round_trip(OPEN);
    if ((info->flags & O_ACCMODE) != O_RDONLY) {
        fuse_reply_err(request, EROFS);
        return;
    }
    int fd = openat(source, path_of(ino), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        fuse_reply_err(request, errno);
        return;
    }
    info->fh = fd;
    info->keep_cache = 0;
    if (fuse_reply_open(request, info) < 0)
        close(fd);
}

static void read_file(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                      struct fuse_file_info *info) {
    round_trip(READ);
    const char *slash = strrchr(path_of(ino), '/');
    if (fail_read != NULL && slash != NULL && fnmatch(fail_read, slash + 1, 0) == 0) {
        fuse_reply_err(request, EIO);
        return;
    }
    char *bytes = malloc(size);
    ssize_t length = bytes == NULL ? -1 : pread(info->fh, bytes, size, offset);
    if (length < 0) {
        fuse_reply_err(request, errno);
    } else {
        counts[BYTES] += length;
        fuse_reply_buf(request, bytes, length);
    }
    free(bytes);
}

static void release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)ino;
    close(info->fh);
    fuse_reply_err(request, 0);
}

/* An open directory. */
struct listing {
    DIR *stream;
    off_t offset;            /* of the next entry */
    struct dirent *leftover; /* the next entry, if it did not fit into the last response */
};

static struct listing *listing_of(struct fuse_file_info *info) {
    return (struct listing *)(uintptr_t)info->fh;
}

static void open_directory(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
    round_trip(OPENDIR);
    struct listing *listing = calloc(1, sizeof *listing);
    int fd = openat(source, path_of(ino), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (listing == NULL || fd < 0 || (listing->stream = fdopendir(fd)) == NULL) {
        int error = errno;
        free(listing);
        if (fd >= 0)
            close(fd);
        fuse_reply_err(request, error);
        return;
    }
    info->fh = (uintptr_t)listing;
    if (fuse_reply_open(request, info) < 0) {
        closedir(listing->stream);
        free(listing);
    }
}

static void list(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *info) {
    round_trip(READDIR);
    struct listing *listing = listing_of(info);
    char *bytes = malloc(size);
    if (bytes == NULL) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    if (offset != listing->offset) {
        seekdir(listing->stream, offset);
        listing->offset = offset;
        listing->leftover = NULL;
    }
    size_t length = 0;
    for (;;) {
        struct dirent *next = listing->leftover;
        if (next == NULL && (next = readdir(listing->stream)) == NULL)
            break;
        struct fuse_entry_param entry;
        const char *name = next->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            memset(&entry, 0, sizeof entry);
            entry.attr.st_mode = S_IFDIR;
        } else if (find(ino, name, &entry) != 0) {
            listing->offset = next->d_off;
            listing->leftover = NULL;
            continue;
        }
        size_t needed = fuse_add_direntry_plus(request, bytes + length, size - length, name, &entry,
                                               next->d_off);
        listing->leftover = needed > size - length ? next : NULL;
        if (listing->leftover != NULL)
            break;
        length += needed;
        listing->offset = next->d_off;
    }
    fuse_reply_buf(request, bytes, length);
    free(bytes);
}

static void release_directory(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)ino;
    closedir(listing_of(info)->stream);
    free(listing_of(info));
    fuse_reply_err(request, 0);
}

/* By default the kernel sends at most 12 requests of the page cache at once. That limit would be
 * measured instead of the latency. */
static void init(void *unused, struct fuse_conn_info *connection) {
    (void)unused;
    connection->max_background = MAX_THREADS;
    connection->congestion_threshold = MAX_THREADS;
}

static const struct fuse_lowlevel_ops OPERATIONS = {
    .init = init,
    .lookup = lookup,
    .getattr = getattr,
    .open = open_file,
    .read = read_file,
    .release = release,
    .opendir = open_directory,
    .readdirplus = list,
    .releasedir = release_directory,
};

/* Answers the lines on standard input. When it ends, stops the main thread's loop. Sends the signal
 * repeatedly, because the loop can miss one just before it waits. */
static void *answer(void *unused) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) >= 0) {
        for (int kind = 0; kind < KINDS; kind++)
            printf("%s %ld%c", KIND_NAMES[kind], atomic_exchange(&counts[kind], 0),
                   kind + 1 < KINDS ? ' ' : '\n');
        fflush(stdout);
    }
    for (;;) {
        kill(getpid(), SIGTERM);
        usleep(10000);
    }
    return unused;
}

static int serve(const char *mountpoint) {
    char *arguments[] = {"slow-fs", "-oro,fsname=slow-fs", NULL};
    struct fuse_args fuse_arguments = FUSE_ARGS_INIT(2, arguments);
    struct fuse_session *session =
        fuse_session_new(&fuse_arguments, &OPERATIONS, sizeof OPERATIONS, NULL);
    if (session == NULL || fuse_set_signal_handlers(session) != 0 ||
        fuse_session_mount(session, mountpoint) != 0)
        return 1;
    puts("mounted");
    fflush(stdout);
    /* Only the main thread receives signals. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t answering;
    int error = pthread_create(&answering, NULL, answer, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        struct fuse_loop_config *config = fuse_loop_cfg_create();
        fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
        fuse_loop_cfg_set_idle_threads(config, MAX_THREADS);
        fuse_session_loop_mt(session, config);
        fuse_loop_cfg_destroy(config);
        pthread_cancel(answering);
        pthread_join(answering, NULL);
    }
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    return error != 0;
}

int main(int count, char **arguments) {
    if (count == 6 && strcmp(arguments[1], "--fail-read") == 0) {
        fail_read = arguments[2];
        arguments += 2;
        count -= 2;
    }
    if (count != 4) {
        fputs("usage: slow-fs [--fail-read GLOB] MILLISECONDS SOURCE MOUNTPOINT\n", stderr);
        return 2;
    }
    milliseconds = atof(arguments[1]);
    source = open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0) {
        perror(arguments[2]);
        return 1;
    }
    return serve(arguments[3]);
}
