#include "frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void put(struct message *message, const void *bytes, size_t size) {
    /* Callers bound what they put (a name, a link's target, numbers); this is the last line of defence. */
    if (size > CHUNK_BYTES - message->length) __builtin_trap();
    memcpy(message_payload(message) + message->length, bytes, size);
    message->length += size;
}

void message_begin(struct message *message, uint8_t type) {
    message->length = 0;
    message->bytes[HEADER_BYTES - 1] = type;
}

void put_u8(struct message *message, uint8_t value) { put(message, &value, 1); }

void put_u32(struct message *message, uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) put_u8(message, (uint8_t)(value >> shift));
}

void put_u64(struct message *message, uint64_t value) {
    put_u32(message, (uint32_t)value);
    put_u32(message, (uint32_t)(value >> 32));
}

void put_string(struct message *message, const char *text) {
    size_t size = strlen(text);
    put_u32(message, (uint32_t)size);
    put(message, text, size);
}

size_t message_seal(struct message *message) {
    for (int index = 0; index < 4; index++) message->bytes[index] = (uint8_t)(message->length >> (8 * index));
    return HEADER_BYTES + message->length;
}

int send_message(int sock, struct message *message) {
    size_t size = message_seal(message);
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(sock, message->bytes + sent, size - sent, MSG_NOSIGNAL);
        if (count >= 0) sent += (size_t)count;
        else if (errno != EINTR) return -1;
    }
    return 0;
}

int send_error(int sock, int error, enum error_reason reason) {
    static struct message message;
    message_begin(&message, DOWN_ERROR);
    put_u32(&message, (uint32_t)error);
    put_u8(&message, (uint8_t)reason);
    return send_message(sock, &message);
}

int receive_bytes(int sock, void *bytes, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t count = recv(sock, (uint8_t *)bytes + got, size - got, 0);
        if (count > 0) {
            got += (size_t)count;
        } else if (count == 0) {
            errno = ECONNRESET;
            return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int receive_header(int sock, uint8_t *type, uint32_t *length) {
    uint8_t header[HEADER_BYTES];
    if (receive_bytes(sock, header, sizeof header) < 0) return -1;
    struct reader reader = {header, header + sizeof header, false};
    *length = get_u32(&reader);
    *type = get_u8(&reader);
    return 0;
}

uint8_t get_u8(struct reader *reader) {
    if (reader->at == reader->end) {
        reader->bad = true;
        return 0;
    }
    return *reader->at++;
}

uint32_t get_u32(struct reader *reader) {
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) value |= (uint32_t)get_u8(reader) << shift;
    return value;
}

uint64_t get_u64(struct reader *reader) {
    uint64_t low = get_u32(reader);
    return low | (uint64_t)get_u32(reader) << 32;
}

uint8_t *get_bytes(struct reader *reader, uint32_t *size) {
    static uint8_t nothing[1];
    *size = get_u32(reader);
    if (reader->bad || *size >= (size_t)(reader->end - reader->at) || reader->at[*size] != 0) {
        reader->bad = true;
        *size = 0;
        return nothing;
    }
    uint8_t *bytes = reader->at;
    reader->at += *size + 1;
    return bytes;
}

char *get_string(struct reader *reader) {
    uint32_t size;
    char *text = (char *)get_bytes(reader, &size);
    if (strlen(text) != size) reader->bad = true;
    return text;
}

bool reader_done(const struct reader *reader) { return !reader->bad && reader->at == reader->end; }
