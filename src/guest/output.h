/*
 * A command's output, as the frames that carry it: read into a ring, and sent from where they lie. Those of a
 * kept command stay there while there is room, for a caller who comes back.
 */
#ifndef TENKI_OUTPUT_H
#define TENKI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

struct output {
    bool kept;
    uint64_t oldest, next, end; /* of all that ever lay there: the first frame, the next byte to send, behind the last */
    uint32_t left;              /* of the frame that is being sent */
    uint64_t forgotten, total;  /* bytes of output: before the first frame, and in all */
    uint8_t ring[OUTPUT_RING];
};

/* Where up to CHUNK_BYTES may be read to. Only once everything was sent. */
uint8_t *output_room(struct output *output);
/* So much was read to there. */
void output_added(struct output *output, uint8_t type, uint32_t size);

bool output_is_sent(const struct output *output);
/* What is to be sent next; 0 where nothing is. */
size_t output_unsent(struct output *output, const uint8_t **bytes);
void output_sent(struct output *output, size_t size);

/* What is left of a frame in whose middle one goes on; of length 0 between frames. */
struct frame_rest {
    uint8_t type;
    uint32_t length;
};

/* Goes on behind so many bytes. False, and nothing changed, where they are not there any more, or not yet. */
bool output_rewind(struct output *output, uint64_t offset, struct frame_rest *rest);

#endif
