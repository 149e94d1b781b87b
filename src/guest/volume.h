/*
 * On the host, as root: volumes in a sandbox that runs. A path of the sandbox is looked up by descriptors below
 * the sandbox's own root, and never through a symbolic link: whatever is planted there leads nowhere.
 */
#ifndef TENKI_VOLUME_H
#define TENKI_VOLUME_H

/* What the engine is told by the exit code; the words on stderr say more. */
enum volume_outcome {
    VOLUME_DONE = 0,
    VOLUME_FAILED = 1,
    VOLUME_GONE = 3,     /* the sandbox */
    VOLUME_BAD_PATH = 4, /* goes through a link, or through what is no directory */
    VOLUME_BUSY = 5,     /* each line of stdout: pid inside, name */
    VOLUME_NO_SPACE = 6, /* for the mount point, on the sandbox's disk */
    VOLUME_PATH_TAKEN = 7,
};

/* arguments: pid and start time of the sandbox's pid 1, directory on the host, path inside, `ro` or `rw`. */
int mount_volume(char **arguments);
/*
 * arguments: the same four; `keep` or `kill`: what becomes of processes that use it; `own` or `shared`: whether its
 * file system is the volume's alone. Done where it is not mounted.
 */
int unmount_volume(char **arguments);

#endif
