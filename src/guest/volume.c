#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "holders.h"
#include "sandbox-root.h"

enum { KILL_TURNS = 500, KILL_TURN_MS = 10 };

static int fail(const char *what, int outcome) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return outcome;
}

static int path_failure(const char *path) {
    switch (errno) {
    case ELOOP:
    case ENOTDIR:
    case EXDEV: return fail(path, VOLUME_BAD_PATH);
    case ENOSPC:
    case EDQUOT: return fail(path, VOLUME_NO_SPACE);
    default: return fail(path, VOLUME_FAILED);
    }
}

static uint64_t mount_id(int directory, const char *name, int flags) {
    struct statx found;
    if (statx(directory, name, flags, STATX_MNT_ID, &found) < 0 || !(found.stx_mask & STATX_MNT_ID)) return 0;
    return found.stx_mnt_id;
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A copy of the mount that is nowhere yet, with what the sandbox may do on it; programs may run from it. */
static int copy_mount(const char *source, bool read_only) {
    int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0),
        .attr_clr = MOUNT_ATTR_NOEXEC,
        .propagation = MS_PRIVATE,
    };
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return tree;
    int error = errno;
    close(tree);
    errno = error;
    return -1;
}

static bool is_mount_point(int root, const char *path, int target) {
    const char *name;
    int parent = open_parent_below(root, path, &name);
    bool differs = parent >= 0 && mount_id(parent, "", AT_EMPTY_PATH) != mount_id(target, "", AT_EMPTY_PATH);
    if (parent >= 0) close(parent);
    return differs;
}

int mount_volume(char **arguments) {
    const char *source = arguments[2], *path = arguments[3];
    struct sandbox_root sandbox;
    struct stat volume, there;
    if (!open_sandbox(&sandbox, arguments[0], arguments[1])) return fail("the sandbox", VOLUME_GONE);
    if (stat(source, &volume) < 0) return fail("the volume", VOLUME_FAILED);
    int tree = copy_mount(source, strcmp(arguments[4], "ro") == 0);
    if (tree < 0) return fail("cannot copy the volume's mount", VOLUME_FAILED);
    if (!enter_sandbox_mounts(&sandbox)) return fail("cannot enter the sandbox", VOLUME_FAILED);
    int target = open_below(sandbox.root, path, true);
    if (target < 0) return path_failure(path);
    if (fstat(target, &there) < 0) return path_failure(path);
    if (is_same(&volume, &there)) return VOLUME_DONE;
    if (is_mount_point(sandbox.root, path, target)) {
        errno = EBUSY;
        return fail(path, VOLUME_PATH_TAKEN);
    }
    if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0) return VOLUME_DONE;
    return fail("cannot mount the volume", VOLUME_FAILED);
}

/* Blanks and such are written in octal there. */
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from != 0; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '7' && from[2] != 0 && from[3] != 0) {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

/* True where the volume is mounted at `path`: then the directory that this is in, and its name there. */
static bool is_mounted_at(int root, const char *path, const struct stat *volume, struct held_mount *mount, int *parent,
                          const char **name) {
    struct stat there;
    *parent = open_parent_below(root, path, name);
    if (*parent < 0) return false;
    int target = open_below(root, path, false);
    bool found = target >= 0 && fstat(target, &there) == 0 && is_same(volume, &there);
    if (found) mount->id = mount_id(target, "", AT_EMPTY_PATH);
    if (target >= 0) close(target);
    if (!found) close(*parent);
    return found;
}

/* Where it is now: the guest may have renamed what it lies in. */
static bool find_mounted(const struct sandbox_root *sandbox, char *path, const struct stat *volume,
                         struct held_mount *mount, int *parent, const char **name) {
    if (is_mounted_at(sandbox->root, path, volume, mount, parent, name)) return true;
    FILE *mounts = fdopen(dup(sandbox->mounts), "r");
    if (mounts == NULL) return false;
    static char line[3 * PATH_MAX];
    bool found = false;
    while (!found && fgets(line, sizeof line, mounts) != NULL) {
        unsigned int major_number, minor_number;
        if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &major_number, &minor_number, path) != 3) continue;
        if (makedev(major_number, minor_number) != volume->st_dev) continue;
        unescape(path);
        found = is_mounted_at(sandbox->root, path, volume, mount, parent, name);
    }
    fclose(mounts);
    return found;
}

/* By the name in a directory that is held: no path is looked up again. */
static bool unmount_in(int parent, const char *name) {
    return fchdir(parent) == 0 && umount2(name, UMOUNT_NOFOLLOW) == 0;
}

static bool unmount_killing(const struct sandbox_root *sandbox, const struct held_mount *mount, int parent,
                            const char *name) {
    for (int turn = 0; turn < KILL_TURNS; turn++) {
        kill_holders(sandbox->proc, sandbox->mount_ns, mount);
        if (unmount_in(parent, name)) return true;
        if (errno != EBUSY) return false;
        nanosleep(&(struct timespec){.tv_nsec = KILL_TURN_MS * 1000000L}, NULL);
    }
    errno = EBUSY;
    return false;
}

int unmount_volume(char **arguments) {
    static char path[PATH_MAX];
    struct sandbox_root sandbox;
    struct stat volume;
    struct held_mount mount = {0};
    const char *name;
    int parent;
    if (!open_sandbox(&sandbox, arguments[0], arguments[1])) return fail("the sandbox", VOLUME_GONE);
    if (stat(arguments[2], &volume) < 0) return fail("the volume", VOLUME_FAILED);
    if (!enter_sandbox_mounts(&sandbox)) return fail("cannot enter the sandbox", VOLUME_FAILED);
    snprintf(path, sizeof path, "%s", arguments[3]);
    if (!find_mounted(&sandbox, path, &volume, &mount, &parent, &name)) return VOLUME_DONE;
    mount.device = volume.st_dev;
    mount.has_own_device = strcmp(arguments[5], "own") == 0;
    bool done = unmount_in(parent, name);
    if (!done && errno == EBUSY && strcmp(arguments[4], "kill") == 0) {
        done = unmount_killing(&sandbox, &mount, parent, name);
    }
    if (done) return VOLUME_DONE;
    if (errno != EBUSY) return fail("cannot unmount the volume", VOLUME_FAILED);
    list_holders(sandbox.proc, sandbox.mount_ns, &mount);
    return fail(path, VOLUME_BUSY);
}
