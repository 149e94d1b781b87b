#ifndef TENKI_INIT_H
#define TENKI_INIT_H

/* Pid 1: accepts connections on LISTEN_FD, forks a handler for each, reaps. Returns only when it cannot serve. */
int run_init(void);

#endif
