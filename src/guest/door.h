/*
 * How somebody comes back to a kept command. Who serves it listens under an abstract name made of its id; a handler
 * of pid 1's hands the engine's new connection over there. Anybody inside can see and call that name, or take it
 * once the command is gone: either side turns away whoever is not root.
 */
#ifndef TENKI_DOOR_H
#define TENKI_DOOR_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include "frame.h"

struct door {
    int listening, visitor; /* -1 where there is none */
};

/* False and errno: EADDRINUSE where a command of that id is there. */
bool open_door(struct door *door, const char *id);
void close_door(struct door *door);
/* Lets one in. A newer one is heard rather than an older. */
void admit_visitor(struct door *door);
/* The connection that the visitor brought, and where its output is to go on. -1: none yet, or nothing of the sort. */
int take_connection(struct door *door, uint64_t *offset);
void answer_visitor(struct door *door, enum error_reason reason);

/* Hands a descriptor to who knocks, and sees the visitor off. */
void give_visitor(struct door *door, int fd);
/* What is handed out at the door of that id; -1 where there is none. */
int fetch_from_door(const char *id);

/* Takes an `attach` request to the door it means. */
noreturn void serve_attach(int sock, struct reader *request);

#endif
