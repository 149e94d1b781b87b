/* One command that is being served: what run.c, tell.c and hear.c share. */
#ifndef TENKI_RUN_STATE_H
#define TENKI_RUN_STATE_H

#include "door.h"
#include "frame.h"
#include "input.h"
#include "output.h"
#include "spawn.h"
#include "tree.h"

struct run {
    int sock; /* the caller's; -1 while nobody is there */
    int signals;
    struct door door; /* of a kept command */
    struct command command;
    struct children children;
    struct streams streams; /* `in` has moved to input.fd */
    struct input input;
    struct output output;
    int64_t began, exited_at;       /* exited_at: where nobody was there to see it */
    int64_t over_at;                /* 0 while it is not */
    int64_t linger_end, hangup_end; /* of waiting for a caller, and for a tree that was hung up on; 0 while it is not */
    int64_t looked, frozen;         /* when the clock was last looked at, and how long it is to be put back */
    bool started, childless, timed_out;
    bool said_last; /* the frame that ends the answer was put together for this caller */
    bool abandoned; /* nobody holds the terminal at the moment */
    /* The frame being sent, where it is not output. */
    struct message message;
    size_t size, sent;
    /* The frame being received. */
    uint8_t header[HEADER_BYTES + 8];
    uint32_t header_got, stdin_left;
};

static inline bool is_kept(const struct run *run) { return *run->command.id != 0; }

/* Time as the command has it: without what it spent frozen. */
static inline int64_t lived_ms(const struct run *run) { return now_ms() - run->frozen; }

/* True when nobody is left who could say more, though what was said may still be on its way. */
bool has_fallen_silent(const struct run *run);

/* The caller is gone. Who keeps a command may come back; else it ends. */
void lose_caller(struct run *run);
/* Ends the command, as a terminal's hanging up does; later with more force. */
void hang_up(struct run *run);

/* ---- tell.c: what the caller is told ---- */

bool is_sending(const struct run *run);
void flush(struct run *run);
void tell_start(struct run *run);
void tell_attached(struct run *run, const struct frame_rest *rest);
void tell_taken(struct run *run);
void tell_exit(struct run *run);

/* ---- hear.c: what the caller says ---- */

void hear_all(struct run *run);

#endif
