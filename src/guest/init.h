#ifndef TENKI_INIT_H
#define TENKI_INIT_H

/* Pid 1: accepts on LISTEN_FD, forks a handler per connection, reaps. Returns only when it cannot serve. */
int run_init(void);

#endif
