#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "run-state.h"

static ssize_t receive(struct run *run, void *bytes, size_t size) {
    ssize_t count = recv(run->sock, bytes, size, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) lose_caller(run);
    return count;
}

static bool receive_stdin(struct run *run) {
    uint32_t room;
    uint8_t *place = input_room(&run->input, &room);
    ssize_t count = receive(run, place, run->stdin_left < room ? run->stdin_left : room);
    if (count <= 0) return false;
    run->stdin_left -= (uint32_t)count;
    input_added(&run->input, (uint32_t)count);
    return true;
}

static void resize(const struct run *run, struct reader *payload) {
    struct winsize size = {.ws_row = (uint16_t)get_u32(payload)};
    size.ws_col = (uint16_t)get_u32(payload);
    if (run->command.pty && run->streams.out >= 0) ioctl(run->streams.out, TIOCSWINSZ, &size);
}

static void send_signal(const struct run *run, struct reader *payload) {
    int number = (int)get_u32(payload);
    if (number > 0 && number < NSIG) signal_group(&run->children, number);
}

/* Of a frame that was received but for stdin's own payload, which goes into its ring. */
static void obey(struct run *run, uint8_t type, uint32_t length, struct reader *payload) {
    if (type == UP_STDIN && length <= STDIN_WINDOW - run->input.used - run->input.taken) run->stdin_left = length;
    else if (type == UP_STDIN_CLOSE && length == 0) input_close(&run->input);
    else if (type == UP_SIGNAL && length == 4) send_signal(run, payload);
    else if (type == UP_RESIZE && length == 8) resize(run, payload);
    else hang_up(run); /* UP_HANG_UP; not our protocol; more stdin than was granted */
}

/* A header, and the short payload that comes with some. False when there is no more for now. */
static bool receive_head(struct run *run) {
    struct reader head = {run->header, run->header + sizeof run->header, false};
    uint32_t length = get_u32(&head);
    uint8_t type = get_u8(&head);
    uint32_t wanted = HEADER_BYTES;
    bool has_payload = (type == UP_SIGNAL && length == 4) || (type == UP_RESIZE && length == 8);
    if (run->header_got >= HEADER_BYTES && has_payload) wanted += length;
    if (run->header_got < wanted) {
        ssize_t count = receive(run, run->header + run->header_got, wanted - run->header_got);
        if (count > 0) run->header_got += (uint32_t)count;
        return count > 0;
    }
    run->header_got = 0;
    obey(run, type, length, &head);
    return true;
}

void hear_all(struct run *run) {
    while (run->sock >= 0 && (run->stdin_left > 0 ? receive_stdin(run) : receive_head(run))) continue;
    input_feed(&run->input);
}
