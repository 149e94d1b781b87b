#include "pour.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { PIPE_BYTES = 256 << 10, COPY_BYTES = 64 << 10 };

static bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

bool open_pour(struct pour *pour, int from) {
    *pour = (struct pour){.from = from};
    if (pipe2(pour->pipe, O_CLOEXEC | O_NONBLOCK) < 0) return false;
    fcntl(pour->pipe[1], F_SETPIPE_SZ, PIPE_BYTES); /* else it is smaller, and there are more turns */
    return true;
}

bool wait_for(int fd, short events, int timeout_ms) {
    struct pollfd seen = {fd, events, 0};
    int ready;
    do ready = poll(&seen, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready != 0;
}

static enum poured fill(struct pour *pour, uint32_t left) {
    for (;;) {
        ssize_t count = splice(pour->from, NULL, pour->pipe[1], NULL, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (count > 0) {
            pour->held = (uint32_t)count;
            return POURED;
        }
        if (count == 0 || errno == ECONNRESET) return SOURCE_ENDED;
        if (!is_passing(errno)) return POUR_FAILED;
        wait_for(pour->from, POLLIN, -1);
    }
}

static ssize_t write_copy(struct pour *pour, int to) {
    static uint8_t bytes[COPY_BYTES];
    ssize_t count = read(pour->pipe[0], bytes, sizeof bytes);
    for (ssize_t done = 0; done < count;) {
        ssize_t written = write(to, bytes + done, (size_t)(count - done));
        if (written >= 0) done += written;
        else if (!is_passing(errno)) return -1;
        else wait_for(to, POLLOUT, -1);
    }
    return count;
}

static ssize_t give(struct pour *pour, int to, bool more) {
    if (!pour->by_copy) {
        unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
        ssize_t count = splice(pour->pipe[0], NULL, to, NULL, pour->held, flags);
        if (count >= 0 || errno != EINVAL) return count;
        pour->by_copy = true;
    }
    return write_copy(pour, to);
}

static enum poured empty(struct pour *pour, int to, uint32_t *left, uint64_t *passed) {
    while (pour->held > 0) {
        ssize_t count = give(pour, to, pour->held < *left);
        if (count > 0) {
            pour->held -= (uint32_t)count;
            *left -= (uint32_t)count;
            *passed += (uint64_t)count;
        } else if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return TARGET_CLOSED;
        } else if (count < 0 && !is_passing(errno)) {
            return POUR_FAILED;
        } else {
            wait_for(to, POLLOUT, -1);
        }
    }
    return POURED;
}

enum poured pour(struct pour *pour, int to, uint32_t *left, uint64_t *passed) {
    pour->by_copy = false;
    while (*left > 0) {
        enum poured end = fill(pour, *left);
        if (end == POURED) end = empty(pour, to, left, passed);
        if (end != POURED) return end;
    }
    return POURED;
}

enum poured pour_in(struct pour *pour, uint32_t most) { return fill(pour, most); }

enum poured pour_held(struct pour *pour, int to, uint64_t *passed) {
    uint32_t left = pour->held;
    pour->by_copy = false;
    return empty(pour, to, &left, passed);
}
