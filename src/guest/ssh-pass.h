/*
 * What the command line has kept of a login to a session, minutes ago: the next one can be made without it. A file beside
 * the session's certificate, `pass`: which config file it was made by (device, inode, time of its last change in ns); the
 * engine's socket; a line for each reason why the server may not let somebody in, with what is to be said of it; an empty
 * line; and the request that opens the lane, as it is sent.
 */
#ifndef TENKI_SSH_PASS_H
#define TENKI_SSH_PASS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum { PASS_BYTES = 8 << 10 };

struct ssh_pass {
    struct sockaddr_un at;
    const char *refusals; /* a reason, `renew` or `keep`, what is said: between tabs, and so are that one's lines */
    const char *request;
    char certificate[PATH_MAX];
    char text[PASS_BYTES];
};

/*
 * For the words `… sandbox ssh-proxy --host NAME` or `--session ID`. False where nothing is kept, it is not surely this
 * user's, its time is over, or the settings that it was made by are others by now.
 */
bool find_ssh_pass(char **words, struct ssh_pass *pass);

#endif
