#include "sandbox-root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol.h"

/* The 22nd field of its stat, as the kernel has counted since boot. */
static bool started_at(int process, const char *start_ticks) {
    char text[1024];
    int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (size <= 0) return false;
    text[size] = 0;
    char *field = strrchr(text, ')'); /* the name before it may hold anything */
    for (int number = 2; field != NULL && number < 22; number++) field = strchr(field + 1, ' ');
    if (field == NULL) return false;
    size_t length = strcspn(field + 1, " ");
    return strlen(start_ticks) == length && strncmp(field + 1, start_ticks, length) == 0;
}

bool open_sandbox(struct sandbox_root *sandbox, const char *pid, const char *start_ticks) {
    sandbox->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int process = openat(sandbox->proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process < 0) return false;
    sandbox->mounts = openat(process, "mountinfo", O_RDONLY | O_CLOEXEC);
    sandbox->root = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    sandbox->mount_ns = openat(process, "ns/mnt", O_RDONLY | O_CLOEXEC);
    bool ours = sandbox->mounts >= 0 && sandbox->root >= 0 && sandbox->mount_ns >= 0;
    if (ours && !started_at(process, start_ticks)) {
        errno = ESRCH;
        ours = false;
    }
    close(process);
    return ours;
}

bool enter_sandbox_network(const char *pid, const char *start_ticks) {
    struct stat theirs, ours;
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int network = openat(process, "ns/net", O_RDONLY | O_CLOEXEC);
    if (network < 0) return false;
    if (!started_at(process, start_ticks)) {
        errno = ESRCH;
        return false;
    }
    if (fstat(network, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0) return false;
    if (theirs.st_ino == ours.st_ino) {
        errno = ENOTUNIQ;
        return false;
    }
    return setns(network, CLONE_NEWNET) == 0;
}

bool enter_sandbox_mounts(const struct sandbox_root *sandbox) {
    return setns(sandbox->mount_ns, CLONE_NEWNS) == 0;
}

/* One part of a path, in the directory that it is in. */
static int step(int directory, const char *name) {
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

/* What is made below the home directory is its user's. */
static int make_and_step(int directory, const char *name, bool users) {
    bool made_now = mkdirat(directory, name, 0755) == 0;
    if (!made_now && errno != EEXIST) return -1;
    int fd = step(directory, name);
    if (fd < 0 || !made_now || !users) return fd;
    int made = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = made < 0 ? -1 : fchown(made, TENKI_UID, TENKI_UID);
    int error = errno;
    if (made >= 0) close(made);
    if (result == 0) return fd;
    close(fd);
    errno = error;
    return -1;
}

int open_below(int root, const char *path, bool make) {
    char parts[PATH_MAX], *rest = parts;
    if (strlen(path) >= sizeof parts) {
        errno = ENAMETOOLONG;
        return -1;
    }
    bool users = strncmp(path, HOME "/", sizeof HOME) == 0;
    strcpy(parts, path);
    int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (char *name; fd >= 0 && (name = strtok_r(rest, "/", &rest)) != NULL;) {
        int next = step(fd, name);
        if (next < 0 && errno == ENOENT && make) next = make_and_step(fd, name, users);
        int error = errno;
        close(fd);
        errno = error;
        fd = next;
    }
    return fd;
}

int open_parent_below(int root, const char *path, const char **name) {
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == 0 || (size_t)(slash - path) >= sizeof parent) {
        errno = EINVAL;
        return -1;
    }
    *name = slash + 1;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    return open_below(root, parent, false);
}
