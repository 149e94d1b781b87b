/*
 * An SSH connection's bytes, between the user's ssh and the server inside, with nobody in between but the kernel: who
 * speaks for ssh makes a pair of sockets, keeps one, and sends the other one to the engine, which lends it to the server.
 */
#ifndef TENKI_WIRE_H
#define TENKI_WIRE_H

#include <stdnoreturn.h>

/* The user's side: sends a socket out by the one that it was given, and carries what ssh says and hears to the other. */
noreturn void carry_wire(void);
/* The engine's side: takes what comes by the one socket, and gives it to the guest by the other. */
noreturn void lend_wire(void);

#endif
