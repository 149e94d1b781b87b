/*
 * What a process on the host has to do with the one that started it and gave it two sockets: it waits for its turn, and
 * says at its end how far it came.
 */
#ifndef TENKI_RELAY_H
#define TENKI_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "pour.h"

enum { FROM_FD = 3, CONTROL_FD = 4, TO_FD = 5 };
enum { IDLE_MS = 500 }; /* as long as that without anything new is no burst any more */

/* What is passed on: of which kind, and how much of it is to come. */
struct frame {
    uint8_t kind;
    uint32_t left;
};

/* Of the content: what a report says. */
extern uint64_t passed;

/* Who gets hold of this process by a socket of its, as a guest may, can have nothing from it. */
void keep_to_itself(void);
/* So; and the terminal's signals are for the process that started this one, which ends it; so does that one's own end. */
void live_and_die_with_parent(void);
/* What is left of the frame that the other process has begun; waits until that has said all that it has. */
struct frame wait_for_turn(void);
/* Ahead of that, for who asks: the socket `from` is nobody's matter any more but that other process's. */
void say_ready(void);
/* How it ended; POURED = between two frames. */
noreturn void report(enum poured end);

struct frame read_lane_header(const uint8_t *header);
/* Until something is there to be read, as long as it may take within a burst. */
ssize_t peek(uint8_t *bytes, size_t size);
/* All of it. `more`: what it stands before follows at once. */
void send_whole(const void *bytes, size_t size, bool more);

#endif
