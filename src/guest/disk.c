/*
 * A disk's image as at one moment. Nothing may stay frozen, whatever becomes of this process or of the engine: a second
 * process watches over this one, and thaws when it has gone, or takes too long.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Written out and shared beforehand, until there is little left for the moment when writers wait: what is the same
 * already takes a quarter of the time.
 */
enum { ROUNDS = 8, STEPS = 64, LITTLE_US = 20 * 1000 };
static const uint64_t SMALLEST_STEP = 16 << 20;
enum { SHARE_BOUND_MS = 5 * 1000, COPY_BOUND_MS = 10 * 60 * 1000 };

struct job {
    int disk, original, copy;
    uint64_t size;
    bool shares;
};

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Sleeps until the other end closes, or says that all is well. */
static void watch(int disk, int other_end, int bound_ms) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct pollfd wait = {.fd = other_end, .events = POLLIN};
    char byte;
    pid_t watched = getppid();
    bool in_time = poll(&wait, 1, bound_ms) > 0;
    if (in_time && read(other_end, &byte, 1) == 1) _exit(0);
    ioctl(disk, FITHAW, 0);
    if (!in_time && getppid() == watched) kill(watched, SIGKILL);
    _exit(1);
}

/* The watcher's pipe, or -1; what it inherits else would stay open with it. */
static int start_watcher(const struct job *job, pid_t *pid) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *pid = fork();
    if (*pid == 0) {
        close(ends[1]);
        close(job->original);
        close(job->copy);
        for (int fd = 0; fd <= 2; fd++) close(fd);
        watch(job->disk, ends[0], job->shares ? SHARE_BOUND_MS : COPY_BOUND_MS);
    }
    close(ends[0]);
    return *pid < 0 ? -1 : ends[1];
}

static bool copy_piece(const struct job *job, off_t from, off_t to) {
    static char buffer[1 << 20];
    while (from < to) {
        size_t wanted = (size_t)(to - from) < sizeof buffer ? (size_t)(to - from) : sizeof buffer;
        ssize_t got = pread(job->original, buffer, wanted, from);
        if (got <= 0 || pwrite(job->copy, buffer, (size_t)got, from) != got) return false;
        from += got;
    }
    return true;
}

static bool copy_data(const struct job *job) {
    off_t end = 0;
    for (;;) {
        off_t from = lseek(job->original, end, SEEK_DATA);
        if (from < 0) return errno == ENXIO;
        end = lseek(job->original, from, SEEK_HOLE);
        if (end < 0 || !copy_piece(job, from, end)) return false;
    }
}

static bool share(const struct job *job, uint64_t from, uint64_t length) {
    struct file_clone_range range = {job->original, from, length, from};
    return ioctl(job->copy, FICLONERANGE, &range) == 0;
}

/* In steps: each holds up whoever writes to the image, and many small pieces take their time. */
static bool share_in_steps(const struct job *job) {
    uint64_t step = job->size / STEPS > SMALLEST_STEP ? job->size / STEPS & ~(SMALLEST_STEP - 1) : SMALLEST_STEP;
    for (uint64_t from = 0; from < job->size; from += step) {
        if (!share(job, from, job->size - from < step ? job->size - from : step)) return false;
    }
    return true;
}

static bool write_out(const struct job *job) { return syncfs(job->disk) == 0 && fdatasync(job->original) == 0; }

/* What is written meanwhile is for the next round, and at last for the moment when nothing is. */
static bool share_most(const struct job *job) {
    if (!write_out(job) || !share_in_steps(job) || !write_out(job) || !share_in_steps(job)) return false;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t since = now_us();
        if (!write_out(job)) return false;
        if (now_us() - since < LITTLE_US) return true;
    }
    return true;
}

/* The bytes in use go to `used`. */
static bool take_still(const struct job *job, uint64_t *used) {
    struct statfs on;
    bool taken = job->shares ? share(job, 0, job->size) : copy_data(job);
    if (!taken || fstatfs(job->disk, &on) < 0) return false;
    *used = (uint64_t)(on.f_blocks - on.f_bfree) * (uint64_t)on.f_bsize;
    return true;
}

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int take(const struct job *job) {
    if (ftruncate(job->copy, (off_t)job->size) < 0) return fail("cannot size the copy");
    if (job->shares ? !share_most(job) : syncfs(job->disk) < 0) return fail("cannot share what is on the disk");
    pid_t watcher;
    int tell = start_watcher(job, &watcher);
    if (tell < 0) return fail("cannot watch over the disk");
    if (ioctl(job->disk, FIFREEZE, 0) < 0) {
        int error = errno;
        if (write(tell, "", 1) == 1) errno = error; /* somebody else's hold stays */
        return fail("cannot hold the disk");
    }
    int64_t since = now_us();
    uint64_t used = 0;
    bool taken = take_still(job, &used);
    int error = errno;
    bool thawed = ioctl(job->disk, FITHAW, 0) == 0; /* not, where the watcher did: then writers came in between */
    int64_t waited = now_us() - since;
    if (write(tell, "", 1) == 1) waitpid(watcher, NULL, 0);
    errno = error;
    if (!taken) return fail("cannot copy the disk");
    if (!thawed) return fail("the disk did not stand still for long enough");
    printf("%" PRIu64 " %" PRId64 "\n", used, waited);
    return 0;
}

int clone_disk(char **arguments) {
    struct stat image;
    struct job job = {
        .disk = open(arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .original = open(arguments[1], O_RDONLY | O_CLOEXEC),
        .copy = open(arguments[2], O_RDWR | O_CLOEXEC),
        .shares = strcmp(arguments[3], "share") == 0,
    };
    if (job.disk < 0) return fail(arguments[0]);
    if (job.original < 0 || fstat(job.original, &image) < 0) return fail(arguments[1]);
    if (job.copy < 0) return fail(arguments[2]);
    job.size = (uint64_t)image.st_size;
    return take(&job);
}

int thaw_disks(int count, char **arguments) {
    for (int index = 0; index < count; index++) {
        int disk = open(arguments[index], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (disk < 0) continue; /* it has just gone */
        if (ioctl(disk, FITHAW, 0) == 0) printf("%s\n", arguments[index]);
        close(disk);
    }
    return 0;
}
