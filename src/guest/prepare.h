#ifndef TENKI_PREPARE_H
#define TENKI_PREPARE_H

#include "frame.h"

/* As root, before the session is announced: writes the engine's files and makes the home directory. */
void serve_prepare(int sock, struct reader *request);

#endif
