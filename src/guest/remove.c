/*
 * Removing a tree: by descriptors, never following a link, one directory open at a time however deep it
 * goes. Going up is by "..", checked to be where we came from: the tree may be moved while we are in it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "inside.h"

/* A directory on the way down: its name in its parent, and which directory that parent is. */
struct level {
    struct level *above;
    dev_t device;
    ino_t inode;
    char name[];
};

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/*
 * Removes what it can of a directory's entries. 1 when none is left; 0 with `name` set to a directory that
 * has to be emptied first; -1 on failure.
 */
static int remove_entries(int fd, uint64_t *removed, char *name) {
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* listed from the start, each time */
    DIR *list = again < 0 ? NULL : fdopendir(again);
    if (list == NULL) return -1;
    int result = 1;
    for (struct dirent *entry; result == 1 && (errno = 0, entry = readdir(list)) != NULL;) {
        if (is_dots(entry->d_name)) continue;
        int flags = entry->d_type == DT_DIR ? AT_REMOVEDIR : 0;
        int done = unlinkat(fd, entry->d_name, flags);
        if (done < 0 && errno == EISDIR) done = unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        if (done == 0) {
            ++*removed;
        } else if (errno == ENOTEMPTY) {
            strcpy(name, entry->d_name);
            result = 0;
        } else if (errno != ENOENT) {
            result = -1;
        }
    }
    if (result == 1 && errno != 0 && errno != ENOENT) result = -1;
    int error = errno;
    closedir(list);
    errno = error;
    return result;
}

static int descend(int *fd, struct level **level, const char *name) {
    struct stat info;
    struct level *next = malloc(sizeof *next + strlen(name) + 1);
    if (next == NULL || fstat(*fd, &info) < 0) return -1;
    *next = (struct level){.above = *level, .device = info.st_dev, .inode = info.st_ino};
    strcpy(next->name, name);
    int below = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) return -1;
    close(*fd);
    *fd = below;
    *level = next;
    return 0;
}

/* Back to the parent, and the emptied directory goes. */
static int ascend(int *fd, struct level **level, uint64_t *removed) {
    struct stat info;
    struct level *left = *level;
    int above = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0 || fstat(above, &info) < 0) return -1;
    if (info.st_dev != left->device || info.st_ino != left->inode) return refuse(EBUSY, REASON_NONE);
    close(*fd);
    *fd = above;
    /* Not empty: somebody wrote there meanwhile, and the next look finds it. */
    if (unlinkat(above, left->name, AT_REMOVEDIR) == 0) ++*removed;
    else if (errno != ENOTEMPTY && errno != ENOENT) return -1;
    *level = left->above;
    free(left);
    return 0;
}

static int remove_tree(const struct place *place, uint64_t *removed) {
    char name[NAME_MAX + 1];
    struct level *level = NULL;
    int fd = openat(place->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || descend(&fd, &level, place->name) < 0) return -1;
    while (level != NULL) {
        int emptied = remove_entries(fd, removed, name);
        if (emptied < 0) return -1;
        if ((emptied ? ascend(&fd, &level, removed) : descend(&fd, &level, name)) < 0) return -1;
    }
    return 0;
}

int serve_remove(int sock, struct reader *request) {
    const char *path = get_string(request);
    bool recursive = get_u8(request) != 0;
    if (!reader_done(request)) return refuse(EINVAL, REASON_BAD_REQUEST);
    struct place place;
    uint64_t removed = 0;
    if (open_place(path, &place) < 0) return errno == ENOENT ? send_done(sock, 0) : -1;
    int done = unlinkat(place.directory, place.name, 0);
    if (done < 0 && errno == EISDIR) done = unlinkat(place.directory, place.name, AT_REMOVEDIR);
    if (done == 0) removed = 1;
    else if (recursive && errno == ENOTEMPTY) done = remove_tree(&place, &removed);
    else if (errno == ENOENT) done = 0;
    return done < 0 ? -1 : send_done(sock, removed);
}
