/*
 * On the host. A burst of output goes from one socket on to the next descriptor without being copied, frame by frame;
 * the first frame that is anything else, and everything unusual, is left to the process that started this one, which
 * goes on reading where this one stopped, between two frames.
 */
#include "pass.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "pour.h"

enum { FROM_FD = 3, CONTROL_FD = 4, TO_FD = 5, STDERR_TO_FD = 6 };
enum { IDLE_MS = 500 }; /* as long as that without output is no burst any more */
enum lane_kind { LANE_DATA = 1, LANE_STDERR = 2 };
enum { LANE_FRAME_MAX = 4 << 20 };

/* How it ended; 0 to 3 as `enum poured` has it, 0 = between two frames. */
enum { REPORT_BYTES = 9 };

/* What is passed on: of which stream, and how much of the frame is to come. */
struct frame {
    uint8_t kind;
    uint32_t left;
};

static uint64_t passed;

static noreturn void report(enum poured end) {
    uint8_t bytes[REPORT_BYTES] = {(uint8_t)end};
    for (int index = 0; index < 8; index++) bytes[1 + index] = (uint8_t)(passed >> (8 * index));
    _exit(send(CONTROL_FD, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes ? 0 : 1);
}

static struct frame read_lane_header(const uint8_t *header) {
    struct frame frame = {header[0], 0};
    for (int index = 1; index <= 4; index++) frame.left = frame.left << 8 | header[index];
    return frame;
}

/* The guest's [u32 length, little endian][u8 type]; kind 0: not output. */
static struct frame read_guest_header(const uint8_t *header) {
    struct frame frame = {0, 0};
    for (int index = 3; index >= 0; index--) frame.left = frame.left << 8 | header[index];
    if (frame.left == 0 || frame.left > DATA_MAX) return frame;
    if (header[4] == DOWN_STDOUT) frame.kind = LANE_DATA;
    if (header[4] == DOWN_STDERR) frame.kind = LANE_STDERR;
    return frame;
}

/* Until something is there to be read, as long as it may take within a burst. */
static ssize_t peek(uint8_t *bytes, size_t size) {
    ssize_t count;
    do count = recv(FROM_FD, bytes, size, MSG_PEEK | MSG_DONTWAIT);
    while (count < 0 && (errno == EAGAIN || errno == EINTR) && wait_for(FROM_FD, POLLIN, IDLE_MS));
    return count;
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
    for (size_t sent = 0; sent < sizeof header;) {
        ssize_t count = send(TO_FD, header + sent, sizeof header - sent, MSG_MORE | MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) sent += (size_t)count;
        else if (errno != EAGAIN && errno != EINTR) report(TARGET_CLOSED);
        else wait_for(TO_FD, POLLOUT, -1);
    }
}

/* What is left of the frame that the other process has begun; waits until that has said all that it has. */
static struct frame wait_for_turn(void) {
    uint8_t turn[HEADER_BYTES];
    if (recv(CONTROL_FD, turn, sizeof turn, MSG_WAITALL) != sizeof turn) _exit(0);
    return read_lane_header(turn);
}

/* The terminal's signals are for the process that started this one, which ends it; so does that one's own end. */
static void live_and_die_with_parent(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
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
