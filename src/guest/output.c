#include "output.h"

enum { FRAME_MAX = HEADER_BYTES + CHUNK_BYTES };

static uint8_t *place(struct output *output, uint64_t at) { return output->ring + at % OUTPUT_RING; }

/* No frame wraps: where the largest would not fit before the ring's end, the next one lies at its start. */
static uint64_t frame_start(uint64_t at) {
    uint64_t to_end = OUTPUT_RING - at % OUTPUT_RING;
    return to_end < FRAME_MAX ? at + to_end : at;
}

static uint32_t length_at(struct output *output, uint64_t at) {
    const uint8_t *header = place(output, at);
    return header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 | (uint32_t)header[3] << 24;
}

static void forget_oldest(struct output *output) {
    output->oldest = frame_start(output->oldest);
    if (output->oldest == output->end) return;
    uint32_t length = length_at(output, output->oldest);
    output->forgotten += length;
    output->oldest += HEADER_BYTES + length;
}

uint8_t *output_room(struct output *output) {
    if (!output->kept) output->oldest = output->next = output->end = output->left = 0;
    output->end = frame_start(output->end);
    while (output->end + FRAME_MAX - output->oldest > OUTPUT_RING) forget_oldest(output);
    return place(output, output->end) + HEADER_BYTES;
}

void output_added(struct output *output, uint8_t type, uint32_t size) {
    uint8_t *header = place(output, output->end);
    for (int index = 0; index < 4; index++) header[index] = (uint8_t)(size >> (8 * index));
    header[4] = type;
    output->end += HEADER_BYTES + size;
    output->total += size;
}

bool output_is_sent(const struct output *output) {
    return output->left == 0 && frame_start(output->next) == frame_start(output->end);
}

size_t output_unsent(struct output *output, const uint8_t **bytes) {
    if (output_is_sent(output)) return 0;
    if (output->left == 0) {
        output->next = frame_start(output->next);
        output->left = HEADER_BYTES + length_at(output, output->next);
    }
    *bytes = place(output, output->next);
    return output->left;
}

void output_sent(struct output *output, size_t size) {
    output->next += size;
    output->left -= (uint32_t)size;
}

bool output_rewind(struct output *output, uint64_t offset, struct frame_rest *rest) {
    if (offset < output->forgotten || offset > output->total) return false;
    uint64_t at = frame_start(output->oldest), end = frame_start(output->end);
    uint64_t skip = offset - output->forgotten;
    uint32_t length = 0;
    for (; at != end; at = frame_start(at + HEADER_BYTES + length)) {
        length = length_at(output, at);
        if (skip < length) break;
        skip -= length;
    }
    *rest = (struct frame_rest){0, 0};
    output->next = at;
    output->left = 0;
    if (skip == 0) return true;
    *rest = (struct frame_rest){place(output, at)[4], length - (uint32_t)skip};
    output->next = at + HEADER_BYTES + skip;
    output->left = rest->length;
    return true;
}
