#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

enum { REPORT_BYTES = 9 };

uint64_t passed;

noreturn void report(enum poured end) {
    uint8_t bytes[REPORT_BYTES] = {(uint8_t)end};
    for (int index = 0; index < 8; index++) bytes[1 + index] = (uint8_t)(passed >> (8 * index));
    _exit(send(CONTROL_FD, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes ? 0 : 1);
}

void say_ready(void) {
    static const uint8_t ready;
    if (send(CONTROL_FD, &ready, sizeof ready, MSG_NOSIGNAL) != sizeof ready) _exit(1);
}

struct frame read_lane_header(const uint8_t *header) {
    struct frame frame = {header[0], 0};
    for (int index = 1; index <= 4; index++) frame.left = frame.left << 8 | header[index];
    return frame;
}

ssize_t peek(uint8_t *bytes, size_t size) {
    ssize_t count;
    do count = recv(FROM_FD, bytes, size, MSG_PEEK | MSG_DONTWAIT);
    while (count < 0 && (errno == EAGAIN || errno == EINTR) && wait_for(FROM_FD, POLLIN, IDLE_MS));
    return count;
}

void send_whole(const void *bytes, size_t size, bool more) {
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
    for (size_t sent = 0; sent < size;) {
        const char *rest = (const char *)bytes + sent;
        ssize_t count = send(TO_FD, rest, size - sent, flags);
        if (count >= 0) sent += (size_t)count;
        else if (errno != EAGAIN && errno != EINTR) report(TARGET_CLOSED);
        else wait_for(TO_FD, POLLOUT, -1);
    }
}

struct frame wait_for_turn(void) {
    uint8_t turn[HEADER_BYTES];
    if (recv(CONTROL_FD, turn, sizeof turn, MSG_WAITALL) != sizeof turn) _exit(0);
    return read_lane_header(turn);
}

void keep_to_itself(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0);
}

void live_and_die_with_parent(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_to_itself();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}
