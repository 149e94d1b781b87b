#ifndef TENKI_DIAL_H
#define TENKI_DIAL_H

#include "frame.h"

/* Connects the caller with a port or a unix socket inside, as the sandbox's user. */
void serve_dial(int sock, struct reader *request);

#endif
