#ifndef TENKI_DIFFERENCES_H
#define TENKI_DIFFERENCES_H

#include <stdbool.h>

#include "walk.h"

/* Of what is in an overlay's upper directory: it was removed, or shows what lies elsewhere below. */
bool is_marked_away(const struct found *found, const char *marked_by);

/*
 * On the host. arguments: an overlay's upper directory that nobody writes to, and whose attributes mark it (`trusted`,
 * `user`). Tells what is not there, each with a zero behind it, as `w` and the path of what was removed, `o` of a
 * directory of which nothing below shows, `r` of one that shows what lies elsewhere below: nothing in that is told of.
 */
int tell_differences(char **arguments);

#endif
