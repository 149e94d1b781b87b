/* Starting a command: request, streams, user, directory, exec. */
#ifndef TENKI_SPAWN_H
#define TENKI_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

struct command {
    char **argv;
    char **env;
    const char *cwd;
    bool privileged, pty, want_stdin;
    bool let_go; /* its caller's going is the end of its input, and nothing else */
    uint16_t rows, columns;
    uint32_t timeout_ms;
    const char *id; /* empty where it is not kept */
    uint32_t linger_ms;
    int lent; /* what is its stdin and stdout in place of pipes; -1 where it has those */
};

/* What a `run` request asks for; it lies in the request. False where that is none. */
bool read_command(struct reader *request, struct command *command);

/* Our ends, non-blocking and close-on-exec; -1 where there is none. */
struct streams {
    int in, out, err;
    int status; /* end of file once exec succeeded, else a spawn_failure */
};

struct spawn_failure {
    int error;
    enum spawn_step step;
};

/* The child's pid; -1 and errno when it could not even be forked. */
pid_t spawn_command(const struct command *command, struct streams *streams);

/* Becomes uid and gid 1000 for good. */
int become_tenki(void);

#endif
