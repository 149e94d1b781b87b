/*
 * Everything below a directory, by descriptors: no link is followed, no other file system entered, and one directory
 * open at a time. A guest may have nested deeper than a path can say.
 */
#ifndef TENKI_WALK_H
#define TENKI_WALK_H

#include <stddef.h>
#include <sys/stat.h>

/* A directory on the way down; it stays as long as somebody holds it. */
struct directory {
    struct directory *above;
    size_t holders;
    dev_t device;
    ino_t inode;
    char name[];
};

struct found {
    struct directory *in;
    const char *name;
    /* Its own where it is a directory, else that of the one that it is in. */
    int fd;
    struct stat stat;
};

/* 1: what is below it as well; 0: not; -1: that is all, it failed. */
typedef int visit(void *context, const struct found *found);

/* What is in `fd`, which it closes; `name` stands ahead of what is found. Nobody writes there meanwhile. 0, or -1. */
int walk(int fd, const char *name, visit *visit, void *context);

struct directory *hold(struct directory *directory);
void let_go(struct directory *directory);
/* From the name that was given to `walk` on. To be freed; NULL: no memory. */
char *path_of(const struct directory *in, const char *name);

#endif
