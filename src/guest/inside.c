#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as many as the kernel follows */

enum error_reason failure_reason = REASON_NONE;

int refuse(int error, enum error_reason reason) {
    failure_reason = reason;
    errno = error;
    return -1;
}

void descriptor_path(int fd, char path[DESCRIPTOR_PATH_MAX]) {
    snprintf(path, DESCRIPTOR_PATH_MAX, "/proc/self/fd/%d", fd);
}

int reopen(int fd, int flags) {
    char path[DESCRIPTOR_PATH_MAX];
    descriptor_path(fd, path);
    return open(path, flags | O_CLOEXEC);
}

int real_path(int fd, char *real, size_t size) {
    char path[DESCRIPTOR_PATH_MAX];
    descriptor_path(fd, path);
    ssize_t length = readlink(path, real, size - 1);
    if (length < 0) return -1;
    real[length] = 0;
    return 0;
}

static int check_inside(int fd) {
    char home[PATH_MAX], real[PATH_MAX];
    int home_fd = open(HOME, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (home_fd < 0) return -1;
    int result = real_path(home_fd, home, sizeof home);
    close(home_fd);
    if (result < 0 || real_path(fd, real, sizeof real) < 0) return -1;
    size_t length = strlen(home);
    bool inside = strncmp(real, home, length) == 0 && (real[length] == 0 || real[length] == '/');
    return inside ? 0 : refuse(EACCES, REASON_OUTSIDE_HOME);
}

int open_inside(const char *path, int flags) {
    int fd = open(path, O_PATH | O_CLOEXEC | flags);
    if (fd < 0) return -1;
    if (check_inside(fd) == 0) return fd;
    int error = errno;
    close(fd);
    return refuse(error, failure_reason);
}

int open_place(const char *path, struct place *place) {
    char parent[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length >= sizeof parent) return refuse(ENAMETOOLONG, REASON_NONE);
    memcpy(parent, path, length);
    parent[length] = 0;
    char *slash = strrchr(parent, '/');
    if (slash == NULL) return refuse(EINVAL, REASON_NONE);
    if (strlen(slash + 1) > NAME_MAX) return refuse(ENAMETOOLONG, REASON_NONE);
    strcpy(place->name, slash + 1);
    if (*place->name == 0 || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
        return refuse(EINVAL, REASON_NONE);
    }
    slash[slash == parent ? 1 : 0] = 0;
    place->directory = open_inside(parent, O_DIRECTORY);
    return place->directory < 0 ? -1 : 0;
}

/* What a link says, as a path of its own; -1 and EINVAL where there is no link. */
static int follow(const struct place *place, char *path, size_t size) {
    char target[PATH_MAX], directory[PATH_MAX] = "";
    ssize_t length = readlinkat(place->directory, place->name, target, sizeof target - 1);
    if (length < 0) return -1;
    target[length] = 0;
    bool relative = *target != '/';
    if (relative && real_path(place->directory, directory, sizeof directory) < 0) return -1;
    int written = snprintf(path, size, "%s%s%s", directory, relative ? "/" : "", target);
    return written < 0 || (size_t)written >= size ? refuse(ENAMETOOLONG, REASON_NONE) : 0;
}

int open_target_place(const char *path, struct place *place) {
    char current[PATH_MAX];
    if (strlen(path) >= sizeof current) return refuse(ENAMETOOLONG, REASON_NONE);
    strcpy(current, path);
    for (int links = 0; links < LINKS_MAX; links++) {
        if (open_place(current, place) < 0) return -1;
        if (follow(place, current, sizeof current) < 0) {
            if (errno == EINVAL || errno == ENOENT) return 0;
            return -1;
        }
        close(place->directory);
    }
    return refuse(ELOOP, REASON_NONE);
}
