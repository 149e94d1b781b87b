#ifndef TENKI_PREPARE_H
#define TENKI_PREPARE_H

#include "frame.h"

/* As root, before the session is announced: writes the engine's files and makes the home directory. */
void serve_prepare(int sock, struct reader *request);
/* The same at any time, each file at once as a whole. */
void serve_place(int sock, struct reader *request);

#endif
