/* The inside of a sandbox as somebody outside holds it: by descriptors. */
#ifndef TENKI_SANDBOX_ROOT_H
#define TENKI_SANDBOX_ROOT_H

#include <stdbool.h>
#include <sys/types.h>

struct sandbox_root {
    int proc;     /* the host's /proc */
    int mounts;   /* pid 1's mountinfo */
    int root;     /* pid 1's root directory */
    int mount_ns; /* pid 1's namespace */
};

/* False and errno where no such process is there: a pid alone may be somebody else's by now. */
bool open_sandbox(struct sandbox_root *sandbox, const char *pid, const char *start_ticks);
bool enter_sandbox_mounts(const struct sandbox_root *sandbox);
/* Of a process that is named as for `open_sandbox`. Never the namespace that we are in. Holds descriptors that it needs no more. */
bool enter_sandbox_network(const char *pid, const char *start_ticks);

/* The directory at an absolute path, or -1: ELOOP where a link is on the way. `make`: what is missing is made. */
int open_below(int root, const char *path, bool make);
/* The directory that the last part of a path is in, and that part. */
int open_parent_below(int root, const char *path, const char **name);

#endif
