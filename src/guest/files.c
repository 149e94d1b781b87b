#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"
#include "spawn.h"

static struct message message;

int send_done(int sock, uint64_t number) {
    message_begin(&message, DOWN_DONE);
    put_u64(&message, number);
    return send_message(sock, &message);
}

static int send_empty(int sock, uint8_t type) {
    message_begin(&message, type);
    return send_message(sock, &message);
}

static int send_content(int sock, int file, uint64_t offset, uint64_t left) {
    while (left > 0) {
        size_t wanted = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        ssize_t count = pread(file, message_payload(&message), wanted, (off_t)offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -1;
        if (count == 0) break;
        message_begin(&message, DOWN_DATA);
        message.length = (size_t)count;
        if (send_message(sock, &message) < 0) return -1;
        offset += (uint64_t)count;
        left -= (uint64_t)count;
    }
    return send_empty(sock, DOWN_END);
}

int serve_read(int sock, struct reader *request) {
    const char *path = get_string(request);
    uint64_t offset = get_u64(request), length = get_u64(request);
    if (!reader_done(request) || offset > INT64_MAX) return refuse(EINVAL, REASON_BAD_REQUEST);
    struct stat info;
    int found = open_inside(path, 0);
    if (found < 0 || fstat(found, &info) < 0) return -1;
    if (S_ISDIR(info.st_mode)) return refuse(EISDIR, REASON_NONE);
    /* Opening a pipe or a device may block, or do things. */
    if (!S_ISREG(info.st_mode)) return refuse(EINVAL, REASON_NOT_REGULAR);
    int file = reopen(found, O_RDONLY | O_NONBLOCK);
    if (file < 0) return -1;
    message_begin(&message, DOWN_SIZE);
    put_u64(&message, (uint64_t)info.st_size);
    if (send_message(sock, &message) < 0) return -1;
    return send_content(sock, file, offset, length == 0 ? UINT64_MAX : length);
}

/* Size, mode with type, modification time, and where a link points to; `name` "" = `directory` is the link. */
static void put_info(const struct stat *info, int directory, const char *name) {
    char target[PATH_MAX] = "";
    if (S_ISLNK(info->st_mode)) {
        ssize_t length = readlinkat(directory, name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
    }
    put_u64(&message, (uint64_t)info->st_size);
    put_u32(&message, info->st_mode);
    put_u64(&message, (uint64_t)(info->st_mtim.tv_sec * 1000000000LL + info->st_mtim.tv_nsec));
    put_string(&message, target);
}

static int send_info(int sock, int fd) {
    struct stat info;
    if (fstat(fd, &info) < 0) return -1;
    message_begin(&message, DOWN_INFO);
    put_info(&info, fd, "");
    return send_message(sock, &message);
}

int serve_stat(int sock, struct reader *request) {
    const char *path = get_string(request);
    if (!reader_done(request)) return refuse(EINVAL, REASON_BAD_REQUEST);
    int found = open_inside(path, O_NOFOLLOW);
    return found < 0 ? -1 : send_info(sock, found);
}

/* Makes missing parents from the top down; `path` is cut and mended in place. */
static int make_parents(char *path) {
    for (char *slash = path + strlen(HOME) - 1; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = 0;
        struct place place;
        int found = open_inside(path, O_DIRECTORY);
        if (found < 0 && errno == ENOENT && open_place(path, &place) == 0) {
            if (mkdirat(place.directory, place.name, 0755) < 0 && errno != EEXIST) return -1;
            close(place.directory);
            found = open_inside(path, O_DIRECTORY);
        }
        if (found < 0) return -1;
        close(found);
    }
    return 0;
}

static int make_directory(char *path, mode_t mode, bool recursive) {
    struct stat info;
    struct place place;
    int found = open_inside(path, 0);
    if (found >= 0) {
        if (fstat(found, &info) < 0) return -1;
        return recursive && S_ISDIR(info.st_mode) ? found : refuse(EEXIST, REASON_NONE);
    }
    if (errno != ENOENT || (recursive && make_parents(path) < 0) || open_place(path, &place) < 0) return -1;
    if (mkdirat(place.directory, place.name, mode) < 0) return -1;
    return openat(place.directory, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int serve_mkdir(int sock, struct reader *request) {
    char *path = get_string(request);
    mode_t mode = get_u32(request) & 07777;
    bool recursive = get_u8(request) != 0;
    bool below = strncmp(path, HOME, strlen(HOME)) == 0;
    if (!reader_done(request) || !below) return refuse(EINVAL, REASON_BAD_REQUEST);
    int made = make_directory(path, mode == 0 ? 0755 : mode, recursive);
    return made < 0 ? -1 : send_info(sock, made);
}

static int send_entries(int sock, DIR *list, bool hidden) {
    struct stat info;
    message_begin(&message, DOWN_ENTRIES);
    for (struct dirent *entry; (errno = 0, entry = readdir(list)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (!hidden && *name == '.')) continue;
        if (fstatat(dirfd(list), name, &info, AT_SYMLINK_NOFOLLOW) < 0) continue; /* gone meanwhile */
        if (message.length > CHUNK_BYTES / 2) {
            if (send_message(sock, &message) < 0) return -1;
            message_begin(&message, DOWN_ENTRIES);
        }
        put_string(&message, name);
        put_info(&info, dirfd(list), name);
    }
    if (errno != 0 || send_message(sock, &message) < 0) return -1;
    return send_empty(sock, DOWN_END);
}

int serve_list(int sock, struct reader *request) {
    const char *path = get_string(request);
    bool hidden = get_u8(request) != 0;
    if (!reader_done(request)) return refuse(EINVAL, REASON_BAD_REQUEST);
    int found = open_inside(path, O_DIRECTORY);
    int directory = found < 0 ? -1 : reopen(found, O_RDONLY | O_DIRECTORY);
    DIR *list = directory < 0 ? NULL : fdopendir(directory);
    return list == NULL ? -1 : send_entries(sock, list, hidden);
}

static int serve(int sock, uint8_t type, struct reader *request) {
    switch (type) {
    case REQUEST_READ: return serve_read(sock, request);
    case REQUEST_WRITE: return serve_write(sock, request);
    case REQUEST_STAT: return serve_stat(sock, request);
    case REQUEST_MKDIR: return serve_mkdir(sock, request);
    case REQUEST_REMOVE: return serve_remove(sock, request);
    case REQUEST_LIST: return serve_list(sock, request);
    default: return refuse(EPROTO, REASON_BAD_REQUEST);
    }
}

void serve_file_request(int sock, uint8_t type, struct reader *request) {
    umask(0); /* a mode that was asked for is meant */
    if (become_tenki() < 0 || serve(sock, type, request) < 0) send_error(sock, errno, failure_reason);
}
