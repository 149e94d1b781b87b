#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A directory whose names are gone through. */
struct level {
    struct level *above;
    struct directory *directory;
    char *names; /* each with its zero, */
    size_t size; /* all in all so large, */
    size_t next; /* and so far they are done */
};

struct directory *hold(struct directory *directory) {
    if (directory != NULL) directory->holders++;
    return directory;
}

void let_go(struct directory *directory) {
    while (directory != NULL && --directory->holders == 0) {
        struct directory *above = directory->above;
        free(directory);
        directory = above;
    }
}

char *path_of(const struct directory *in, const char *name) {
    size_t size = strlen(name) + 1;
    for (const struct directory *each = in; each != NULL; each = each->above) {
        if (each->name[0] != 0) size += strlen(each->name) + 1;
    }
    char *path = malloc(size);
    if (path == NULL) return NULL;
    char *start = path + size - strlen(name) - 1;
    strcpy(start, name);
    for (const struct directory *each = in; each != NULL; each = each->above) {
        size_t length = strlen(each->name);
        if (length == 0) continue;
        *--start = '/';
        start -= length;
        memcpy(start, each->name, length);
    }
    return path;
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static int list_names(int fd, char **names, size_t *size) {
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = again < 0 ? NULL : fdopendir(again);
    FILE *out = list == NULL ? NULL : open_memstream(names, size);
    if (out == NULL) return -1;
    struct dirent *entry;
    while ((errno = 0, entry = readdir(list)) != NULL) {
        if (!is_dots(entry->d_name)) fwrite(entry->d_name, 1, strlen(entry->d_name) + 1, out);
    }
    int error = errno;
    closedir(list);
    if (fclose(out) != 0 && error == 0) error = errno;
    errno = error;
    return error == 0 ? 0 : -1;
}

static int enter(struct level **level, int fd, const char *name) {
    struct level *next = calloc(1, sizeof *next);
    struct directory *directory = malloc(sizeof *directory + strlen(name) + 1);
    struct stat info;
    if (next == NULL || directory == NULL || fstat(fd, &info) < 0) return -1;
    if (list_names(fd, &next->names, &next->size) < 0) return -1;
    struct directory *above = *level == NULL ? NULL : hold((*level)->directory);
    *directory = (struct directory){above, 1, info.st_dev, info.st_ino};
    strcpy(directory->name, name);
    next->directory = directory;
    next->above = *level;
    *level = next;
    return 0;
}

/* By "..", checked to be where we came from. */
static int leave(struct level **level, int *fd) {
    struct level *left = *level;
    *level = left->above;
    let_go(left->directory);
    free(left->names);
    free(left);
    int above = *level == NULL ? -1 : openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(*fd);
    *fd = above;
    if (*level == NULL) return 0;
    struct stat info;
    if (above < 0 || fstat(above, &info) < 0) return -1;
    const struct directory *directory = (*level)->directory;
    if (info.st_dev == directory->device && info.st_ino == directory->inode) return 0;
    errno = EBUSY;
    return -1;
}

static int look_at(struct level **level, int *fd, const char *name, visit *visit, void *context) {
    struct found found = {.in = (*level)->directory, .name = name, .fd = *fd};
    if (fstatat(*fd, name, &found.stat, AT_SYMLINK_NOFOLLOW) < 0) return -1;
    if (!S_ISDIR(found.stat.st_mode)) return visit(context, &found) < 0 ? -1 : 0;
    found.fd = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (found.fd < 0) return -1;
    int below = visit(context, &found);
    if (below < 0) return -1;
    if (!below || found.stat.st_dev != found.in->device) return close(found.fd);
    close(*fd);
    *fd = found.fd;
    return enter(level, *fd, name);
}

int walk(int fd, const char *name, visit *visit, void *context) {
    struct level *level = NULL;
    if (enter(&level, fd, name) < 0) return -1;
    while (level != NULL) {
        const char *next = level->names + level->next;
        if (level->next == level->size) {
            if (leave(&level, &fd) < 0) return -1;
            continue;
        }
        level->next += strlen(next) + 1;
        if (look_at(&level, &fd, next, visit, context) < 0) return -1;
    }
    return 0;
}
