/*
 * On the host. A burst of output goes from one socket on to the next descriptor without being copied, frame by frame;
 * the first frame that is anything else, and everything unusual, is left to the process that started this one, which
 * goes on reading where this one stopped, between two frames.
 */
#include "pass.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "relay.h"

enum { STDERR_TO_FD = TO_FD + 1 };
enum lane_kind { LANE_DATA = 1, LANE_STDERR = 2 };
enum { LANE_FRAME_MAX = 4 << 20 };

/* The guest's [u32 length, little endian][u8 type]; kind 0: not output. */
static struct frame read_guest_header(const uint8_t *header) {
    struct frame frame = {0, 0};
    for (int index = 3; index >= 0; index--) frame.left = frame.left << 8 | header[index];
    if (frame.left == 0 || frame.left > DATA_MAX) return frame;
    if (header[4] == DOWN_STDOUT) frame.kind = LANE_DATA;
    if (header[4] == DOWN_STDERR) frame.kind = LANE_STDERR;
    return frame;
}

/* A guest that sends its frames in pieces has to do without. */
static bool next_of_guest(struct frame *frame) {
    uint8_t header[HEADER_BYTES];
    if (peek(header, sizeof header) != sizeof header) return false;
    *frame = read_guest_header(header);
    return frame->kind != 0 && recv(FROM_FD, header, sizeof header, MSG_DONTWAIT) == sizeof header;
}

/* The lane's [u8 kind][u32 length, big endian]; what comes by TCP may come cut anywhere. */
static bool next_of_lane(struct frame *frame) {
    uint8_t header[HEADER_BYTES];
    if (peek(header, 1) != 1 || (header[0] != LANE_DATA && header[0] != LANE_STDERR)) return false;
    for (size_t got = 0; got < sizeof header;) {
        ssize_t count = recv(FROM_FD, header + got, sizeof header - got, MSG_DONTWAIT);
        if (count > 0) got += (size_t)count;
        else if (count == 0 || (errno != EAGAIN && errno != EINTR)) report(SOURCE_ENDED);
        else wait_for(FROM_FD, POLLIN, -1);
    }
    *frame = read_lane_header(header);
    if (frame->left > LANE_FRAME_MAX) report(POUR_FAILED);
    return true;
}

static void send_lane_header(const struct frame *frame) {
    uint8_t header[HEADER_BYTES] = {frame->kind};
    for (int index = 0; index < 4; index++) header[1 + index] = (uint8_t)(frame->left >> (8 * (3 - index)));
    send_whole(header, sizeof header, true);
}

noreturn void pass_output(const char *format) {
    bool of_guest = strcmp(format, "guest") == 0;
    live_and_die_with_parent();
    struct pour pouring;
    if (!open_pour(&pouring, FROM_FD)) _exit(1);
    struct frame frame = wait_for_turn();
    for (;;) {
        if (frame.left == 0 && !(of_guest ? next_of_guest(&frame) : next_of_lane(&frame))) report(POURED);
        if (of_guest) send_lane_header(&frame);
        int to = !of_guest && frame.kind == LANE_STDERR ? STDERR_TO_FD : TO_FD;
        enum poured end = pour(&pouring, to, &frame.left, &passed);
        if (end != POURED) report(end);
    }
}
