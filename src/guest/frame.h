/* Frames: building one, sending it, and taking a payload apart without trusting it. */
#ifndef TENKI_FRAME_H
#define TENKI_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"

/* One frame under construction: the payload lies behind room for the header, so that one send does. */
struct message {
    size_t length;
    uint8_t bytes[HEADER_BYTES + CHUNK_BYTES];
};

void message_begin(struct message *message, uint8_t type);
void put_u8(struct message *message, uint8_t value);
void put_u32(struct message *message, uint32_t value);
void put_u64(struct message *message, uint64_t value);
void put_string(struct message *message, const char *text);
/* Writes the header; returns the size of the whole frame. */
size_t message_seal(struct message *message);

static inline uint8_t *message_payload(struct message *message) { return message->bytes + HEADER_BYTES; }

/* These block. -1 and errno on failure; the other side having closed is ECONNRESET. */
int send_message(int sock, struct message *message);
int send_error(int sock, int error, enum error_reason reason);
int receive_header(int sock, uint8_t *type, uint32_t *length);
int receive_bytes(int sock, void *bytes, size_t size);

/* A cursor over a payload. Past the end, or at a string that is none, `bad` is set and zeros are read. */
struct reader {
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

uint8_t get_u8(struct reader *reader);
uint32_t get_u32(struct reader *reader);
uint64_t get_u64(struct reader *reader);
/* [u32 size][bytes][NUL]: the NUL lets C use the bytes where they lie. They may hold more of them. */
uint8_t *get_bytes(struct reader *reader, uint32_t *size);
/* The same, refused where it holds a NUL. Never NULL. */
char *get_string(struct reader *reader);
/* True when everything was well-formed and nothing is left over. */
bool reader_done(const struct reader *reader);

#endif
