/* Entries of a tar in the format of POSIX (pax), which has room for names and numbers of any size. */
#ifndef TENKI_TAR_ENTRY_H
#define TENKI_TAR_ENTRY_H

#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

enum { TAR_BLOCK_BYTES = 512 };

struct tar_entry {
    char type; /* as the format has it: '0' a file, '1' another name of one, … */
    const char *path;
    const char *link; /* what it leads to; "": nothing */
    const struct stat *stat;
    off_t size; /* of the content, which whoever calls writes */
    /* Of a file or directory, whose attributes are kept; else -1. */
    int fd;
};

/* All but the content. 0, or -1. */
int write_tar_entry(FILE *out, const struct tar_entry *entry);
/* What is missing to whole blocks after so much content. */
void write_tar_padding(FILE *out, off_t size);

#endif
