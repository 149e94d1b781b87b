#ifndef TENKI_TAR_ATTRIBUTES_H
#define TENKI_TAR_ATTRIBUTES_H

#include <stddef.h>
#include <stdio.h>

/* The record of an entry that has a value of this size. */
void write_tar_record(FILE *records, const char *key, const void *value, size_t size);
/* A file's capabilities, and what users have noted of it; not what marks a layer. 0, or -1. */
int write_tar_attributes(FILE *records, int fd);

#endif
