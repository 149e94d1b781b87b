/*
 * Replacing a file as a whole: what arrives goes into a temporary file beside it, which takes its place
 * with the last frame. Until then, and for ever if that frame does not come, the old file is what others see.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "files.h"
#include "inside.h"

struct replacement {
    struct place place;
    char temporary[32];
    int fd;
};

static int write_all(int fd, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -1;
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

static int open_temporary(struct replacement *replacement) {
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number) return -1;
    snprintf(replacement->temporary, sizeof replacement->temporary, ".tenki-%016" PRIx64 ".tmp", number);
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    replacement->fd = openat(replacement->place.directory, replacement->temporary, flags, 0600);
    return replacement->fd < 0 ? -1 : 0;
}

/* The old content, for an append that is as atomic as a rewrite. Shared by the file system where it can. */
static int copy_old(const struct replacement *replacement) {
    static uint8_t buffer[CHUNK_BYTES];
    const struct place *place = &replacement->place;
    int old = openat(place->directory, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (old < 0) return -1;
    ssize_t count;
    do count = copy_file_range(old, NULL, replacement->fd, NULL, 1 << 30, 0);
    while (count > 0);
    /* 0 may be the end, or a file system that cannot: reading on settles both. */
    while ((count = read(old, buffer, sizeof buffer)) > 0) {
        if (write_all(replacement->fd, buffer, (size_t)count) < 0) return -1;
    }
    close(old);
    return (int)count;
}

/* Data frames up to the end frame, into the file. The number of bytes, or -1. */
static int64_t receive_content(int sock, int fd) {
    static uint8_t buffer[DATA_MAX];
    int64_t total = 0;
    for (;;) {
        uint8_t type;
        uint32_t length;
        if (receive_header(sock, &type, &length) < 0) return -1;
        if (type == UP_END && length == 0) return total;
        if (type != UP_DATA || length > DATA_MAX) return refuse(EPROTO, REASON_BAD_REQUEST);
        if (receive_bytes(sock, buffer, length) < 0 || write_all(fd, buffer, length) < 0) return -1;
        total += length;
    }
}

static int sync_directory(int directory) {
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

static int64_t fill_and_rename(int sock, const struct replacement *replacement, mode_t mode, bool sync) {
    int64_t written = receive_content(sock, replacement->fd);
    if (written < 0 || fchmod(replacement->fd, mode) < 0) return -1;
    if (sync && fsync(replacement->fd) < 0) return -1;
    int directory = replacement->place.directory;
    if (renameat(directory, replacement->temporary, directory, replacement->place.name) < 0) return -1;
    return sync && sync_directory(directory) < 0 ? -1 : written;
}

/* What is there may be replaced only where it could have been written to. 1: it is there; 0: nothing is. */
static int check_old(const struct place *place, struct stat *old) {
    if (fstatat(place->directory, place->name, old, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT ? 0 : -1;
    if (S_ISDIR(old->st_mode)) return refuse(EISDIR, REASON_NONE);
    if (!S_ISREG(old->st_mode)) return refuse(EINVAL, REASON_NOT_REGULAR);
    return faccessat(place->directory, place->name, W_OK, AT_EACCESS) < 0 ? -1 : 1;
}

static int open_replaced(const char *path, struct place *place) {
    if (open_target_place(path, place) == 0) return 0;
    /* The home directory has no place below itself; what else is a directory says so elsewhere. */
    int directory = failure_reason == REASON_OUTSIDE_HOME ? open_inside(path, O_DIRECTORY) : -1;
    return directory >= 0 ? refuse(EISDIR, REASON_NONE) : -1;
}

int serve_write(int sock, struct reader *request) {
    const char *path = get_string(request);
    mode_t mode = get_u32(request) & 07777;
    bool truncate = get_u8(request) != 0, sync = get_u8(request) != 0;
    if (!reader_done(request)) return refuse(EINVAL, REASON_BAD_REQUEST);
    struct replacement replacement;
    struct stat old;
    if (open_replaced(path, &replacement.place) < 0) return -1;
    int exists = check_old(&replacement.place, &old);
    if (exists < 0 || open_temporary(&replacement) < 0) return -1;
    if (mode == 0) mode = exists ? old.st_mode & 07777 : 0644;
    int copied = exists && !truncate ? copy_old(&replacement) : 0;
    int64_t written = copied < 0 ? -1 : fill_and_rename(sock, &replacement, mode, sync);
    if (written >= 0) return send_done(sock, (uint64_t)written);
    int error = errno;
    unlinkat(replacement.place.directory, replacement.temporary, 0);
    return refuse(error, failure_reason);
}
