#ifndef TENKI_LISTEN_H
#define TENKI_LISTEN_H

/* Listens at `path` (mode 0600), leaves the socket at LISTEN_FD, execs `argv`. Returns only on failure. */
int listen_and_exec(const char *path, char **argv);

#endif
