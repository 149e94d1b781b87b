#ifndef TENKI_PACK_H
#define TENKI_PACK_H

/*
 * On the host, to stdout: what is in a directory that nobody writes to, as a tar without its end. arguments: the
 * directory; what its files' names begin with (`usr/`); and `trusted` or `user` for an overlay's upper directory,
 * without what such attributes mark as removed or as elsewhere; or `below`: of what stdin names, as `./etc/new` and a
 * zero, all that is below.
 */
int pack(char **arguments);

#endif
