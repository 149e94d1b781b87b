/* Listening inside on the engine's behalf: one handler listens, and one for each connection waits for it. */
#ifndef TENKI_ACCEPT_H
#define TENKI_ACCEPT_H

#include "frame.h"

/* Listens for as long as the caller stays. */
void serve_listen(int sock, struct reader *request);
/* Takes the next connection that comes in there, and carries it. */
void serve_accept(int sock, struct reader *request);

#endif
