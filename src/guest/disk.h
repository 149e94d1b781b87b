#ifndef TENKI_DISK_H
#define TENKI_DISK_H

/* The two run on the host. */

/*
 * arguments: where a disk is mounted, its image, an empty file, `share` or `copy`. The file becomes the image as at one
 * moment; says how many bytes are in use on it, and for how many microseconds writers waited.
 */
int clone_disk(char **arguments);

/* arguments: where disks are mounted. Whoever stands still on one goes on. */
int thaw_disks(int count, char **arguments);

#endif
