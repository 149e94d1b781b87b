/* Connecting to what listens in the network namespace that the process is in, until a time of `now_ms`. */
#ifndef TENKI_CONNECT_H
#define TENKI_CONNECT_H

#include <stdint.h>
#include <sys/socket.h>

/* The connected socket, or -1 and errno: ETIMEDOUT, ECONNREFUSED, or what the kernel says. */
int connect_until(const void *address, socklen_t size, int64_t deadline);
/* At 127.0.0.1, else ::1, else any address that the namespace has. */
int connect_port(uint16_t port, int64_t deadline);

#endif
