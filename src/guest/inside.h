/*
 * Finding what a path means, below the home directory. What is found is held by a descriptor and checked
 * by where the kernel says that lies, so that a link swapped in meanwhile changes nothing.
 */
#ifndef TENKI_INSIDE_H
#define TENKI_INSIDE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "protocol.h"

/* Why the last call failed, beyond its errno. A handler does one operation, so one place does. */
extern enum error_reason failure_reason;

/* Fails with -1, this errno and this reason. */
int refuse(int error, enum error_reason reason);

/* An O_PATH descriptor; `flags` may add O_NOFOLLOW or O_DIRECTORY. EACCES where it lies outside. */
int open_inside(const char *path, int flags);

/* The directory that a path's last part is in, and that part. EINVAL where it has none to speak of. */
struct place {
    int directory;
    char name[NAME_MAX + 1];
};

int open_place(const char *path, struct place *place);
/* The same, for whatever a link there finally names: a file that is there, or is yet to be made. */
int open_target_place(const char *path, struct place *place);

/* The object behind an O_PATH descriptor, opened for use. */
int reopen(int fd, int flags);

/* The name under which the kernel finds what a descriptor holds, whatever became of its path. */
enum { DESCRIPTOR_PATH_MAX = 32 };
void descriptor_path(int fd, char path[DESCRIPTOR_PATH_MAX]);
/* Where the kernel says that it lies, with every link resolved. */
int real_path(int fd, char *real, size_t size);

#endif
