#ifndef TENKI_HANDLER_H
#define TENKI_HANDLER_H

#include <stdnoreturn.h>

/* Serves one connection in a process of its own and exits. */
noreturn void handle_connection(int sock);

/* Says that the answer is complete, waits for the caller to close, exits. */
noreturn void finish(int sock);

#endif
