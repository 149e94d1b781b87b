/* A command's stdin: what was received and not taken yet, at most one window of it. */
#ifndef TENKI_INPUT_H
#define TENKI_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

struct input {
    int fd; /* to the command; -1 once closed */
    bool pty, closing;
    bool line_begun;     /* the last byte that a terminal was given did not end a line */
    uint32_t head, used; /* of the ring */
    uint32_t taken;      /* not reported yet */
    uint64_t received;   /* in all */
    uint8_t ring[STDIN_WINDOW];
};

/* Free room that lies in one piece, where received bytes go. */
uint8_t *input_room(struct input *input, uint32_t *size);
/* So many bytes were put there. Discarded, but counted as taken, where nobody reads any more. */
void input_added(struct input *input, uint32_t size);
/* Writes what the command takes without blocking; closes where that was asked for and nothing is left. */
void input_feed(struct input *input);
void input_close(struct input *input);
/* How much to report as taken now; in larger steps while there is more to come. */
uint32_t input_report(struct input *input);
/* How much may be sent by a caller who comes anew: what was taken is reported by that. */
uint32_t input_open_window(struct input *input);

#endif
