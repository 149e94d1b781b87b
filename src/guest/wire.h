/*
 * An SSH connection's bytes, between the user's ssh and the server inside, with nobody in between but the kernel: who
 * speaks for ssh has one of a pair of sockets that the guest has made, and the server has the other.
 */
#ifndef TENKI_WIRE_H
#define TENKI_WIRE_H

#include <stdnoreturn.h>

#include "pour.h"

/* The user's side: takes what comes by the socket that it was given, and carries what ssh says and hears to and from it. */
noreturn void carry_wire(void);
/* The engine's side: asks the guest for a socket by the one that it was given, and sends it out by the other. */
noreturn void lend_wire(void);

/*
 * By the lane comes the socket, once somebody says there that it is awaited; or else a word of the engine's, which is for
 * others to read: then `wire` is -1.
 */
enum poured take_wire(int lane, int *wire);
/* Until either end is there. */
enum poured pour_all(int from, int to);
/* All that ssh says; then the server is listened to for a while. */
noreturn void say_for_ssh(int from, int wire);

#endif
