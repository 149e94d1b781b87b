/* Who in a sandbox uses a mount: by an open file, a current directory, a program that runs, or mapped memory. */
#ifndef TENKI_HOLDERS_H
#define TENKI_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct held_mount {
    uint64_t id;
    dev_t device;
    bool has_own_device; /* else only a mount's id tells it from others, and memory that is mapped does not count */
};

/* Says each on stdout: its pid inside, and its name. `proc`: the host's; `mount_ns`: the sandbox's. */
int list_holders(int proc, int mount_ns, const struct held_mount *mount);
/* Kills each, but pid 1; how many. */
int kill_holders(int proc, int mount_ns, const struct held_mount *mount);

#endif
