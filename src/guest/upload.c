/*
 * On the host. Of what comes from one socket, each piece goes on to the next without being copied. A command's stdin has
 * a window: the process that started this one hears how far that moves, and says it on.
 */
#include "upload.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "relay.h"

static void take(struct pour *pouring, uint32_t most) {
    if (!wait_for(FROM_FD, POLLIN, IDLE_MS)) report(POURED);
    enum poured end = pour_in(pouring, most);
    if (end != POURED) report(end);
}

static void give(struct pour *pouring) {
    enum poured end = pour_held(pouring, TO_FD, &passed);
    if (end != POURED) report(end);
}

/* So much more may be sent; where nothing may be, it is waited for. */
static uint32_t read_grants(uint32_t window) {
    uint8_t grant[4];
    for (;;) {
        int flags = window > 0 ? MSG_PEEK | MSG_DONTWAIT : MSG_PEEK | MSG_WAITALL;
        ssize_t count = recv(CONTROL_FD, grant, sizeof grant, flags);
        if (count == 0) _exit(0);
        if (count != sizeof grant && window > 0) return window;
        if (count != sizeof grant || recv(CONTROL_FD, grant, sizeof grant, 0) != sizeof grant) continue;
        for (int index = 0; index < 4; index++) window += (uint32_t)grant[index] << (8 * (3 - index));
    }
}

static void send_stdin_header(uint32_t size) {
    uint8_t header[HEADER_BYTES] = {0, 0, 0, 0, UP_STDIN};
    for (int index = 0; index < 4; index++) header[index] = (uint8_t)(size >> (8 * index));
    send_whole(header, sizeof header, true);
}

noreturn void pass_upload(const char *format) {
    bool is_stdin = strcmp(format, "stdin") == 0;
    live_and_die_with_parent();
    struct pour pouring;
    if (!open_pour(&pouring, FROM_FD)) _exit(1);
    uint32_t window = wait_for_turn().left;
    for (;;) {
        if (is_stdin) window = read_grants(window);
        take(&pouring, is_stdin && window < DATA_MAX ? window : DATA_MAX);
        if (is_stdin) {
            window -= pouring.held;
            send_stdin_header(pouring.held);
        }
        give(&pouring);
    }
}
