/*
 * On the host. The large body of an answer goes from a socket inside a sandbox on to a visitor's without being copied:
 * so many bytes, or chunk by chunk. Chunks that are the last, that carry extensions, or that are none are left where they
 * are, for the process that started this one to judge.
 */
#include "body.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "relay.h"

enum body_kind { BODY_LENGTH = 0, BODY_CHUNKED = 1 };
enum { SIZE_LINE_MAX = 8 + 2 };

/* How long the line of a chunk's size is; 0 where it is no such line, or not of a chunk that is passed on; -1: not all of it is there. */
static int read_size_line(const uint8_t *bytes, size_t count, uint32_t *size) {
    size_t digits = 0;
    for (*size = 0; digits < count && digits < SIZE_LINE_MAX - 2; digits++) {
        uint8_t letter = bytes[digits] | 0x20;
        bool is_number = bytes[digits] >= '0' && bytes[digits] <= '9';
        if (!is_number && (letter < 'a' || letter > 'f')) break;
        *size = *size << 4 | (uint32_t)(is_number ? bytes[digits] - '0' : letter - 'a' + 10);
    }
    if (digits == count) return -1;
    if (digits == 0 || *size == 0 || bytes[digits] != '\r') return 0;
    if (digits + 1 == count) return -1;
    return bytes[digits + 1] == '\n' ? (int)digits + 2 : 0;
}

/* Until there is more than that to be read. */
static bool wait_beyond(int count) {
    int wanted = count + 1, usual = 1;
    setsockopt(FROM_FD, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
    bool there = wait_for(FROM_FD, POLLIN, IDLE_MS);
    setsockopt(FROM_FD, SOL_SOCKET, SO_RCVLOWAT, &usual, sizeof usual);
    return there;
}

static void receive_exactly(uint8_t *bytes, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t count = recv(FROM_FD, bytes + got, size - got, MSG_DONTWAIT);
        if (count > 0) got += (size_t)count;
        else if (count == 0 || (errno != EAGAIN && errno != EINTR)) report(SOURCE_ENDED);
        else wait_for(FROM_FD, POLLIN, -1);
    }
}

/* False where what comes next is not for us. */
static bool next_chunk(uint32_t *size) {
    uint8_t line[SIZE_LINE_MAX];
    for (ssize_t before = 0;;) {
        ssize_t count = peek(line, sizeof line);
        if (count <= before) return false; /* nothing new came: it has ended, or is slow */
        int length = read_size_line(line, (size_t)count, size);
        if (length >= 0) {
            receive_exactly(line, (size_t)length);
            return length > 0;
        }
        before = count;
        if (!wait_beyond((int)count)) return false;
    }
}

static void pass(struct pour *pouring, uint32_t left) {
    enum poured end = pour(pouring, TO_FD, &left, &passed);
    if (end != POURED) report(end);
}

static noreturn void pass_chunks(struct pour *pouring, uint32_t left) {
    for (;;) {
        char head[16];
        uint8_t behind[2];
        if (left == 0 && !next_chunk(&left)) report(POURED);
        send_whole(head, (size_t)snprintf(head, sizeof head, "%x\r\n", left), true);
        pass(pouring, left);
        left = 0;
        receive_exactly(behind, sizeof behind);
        if (memcmp(behind, "\r\n", 2) != 0) report(POUR_FAILED);
        send_whole("\r\n", 2, false);
    }
}

noreturn void pass_body(void) {
    live_and_die_with_parent();
    struct pour pouring;
    if (!open_pour(&pouring, FROM_FD)) report(POUR_FAILED);
    struct frame body = wait_for_turn();
    if (body.kind == BODY_CHUNKED) pass_chunks(&pouring, body.left);
    pass(&pouring, body.left);
    report(POURED);
}
