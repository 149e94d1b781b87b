#ifndef TENKI_RUN_H
#define TENKI_RUN_H

#include <stdnoreturn.h>

#include "frame.h"

/* Starts the command of a `run` request and stays until it ended or its caller is gone. */
noreturn void serve_run(int sock, struct reader *request);

#endif
