#ifndef TENKI_RUN_H
#define TENKI_RUN_H

#include <stdnoreturn.h>

#include "frame.h"

/*
 * Starts the command of a `run` request and stays until it ended or its caller is gone. `lent`: a socket that is to be
 * the command's stdin and stdout; -1: they are the caller's, as frames.
 */
noreturn void serve_run(int sock, struct reader *request, int lent);

#endif
