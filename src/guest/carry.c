#include "carry.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAY_BYTES = 64 << 10 };

/* One direction. What it holds was received and waits to be sent: while there is any, nothing more is received. */
struct way {
    int from, to;
    size_t start, size;
    bool at_end; /* `from` has said its last */
    bool over;   /* and `to` was told */
    bool broken; /* one of them has gone away */
    uint8_t bytes[WAY_BYTES];
};

static struct way up, down;

static bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

static void take(struct way *way) {
    ssize_t count = recv(way->from, way->bytes, sizeof way->bytes, MSG_DONTWAIT);
    way->start = 0;
    way->size = count > 0 ? (size_t)count : 0;
    if (count == 0) way->at_end = true;
    if (count < 0 && !is_passing(errno)) way->broken = true;
}

static void give(struct way *way) {
    ssize_t count = send(way->to, way->bytes + way->start, way->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && !is_passing(errno)) way->broken = true;
    if (count <= 0) return;
    way->start += (size_t)count;
    way->size -= (size_t)count;
}

/* Not even the FIN of a close: what had not arrived was not meant to end here. */
static noreturn void reset(int inside) {
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(inside, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    _exit(0);
}

static bool has_left(int caller) {
    struct pollfd seen = {caller, 0, 0};
    return poll(&seen, 1, 0) == 1;
}

static void end(struct way *way) {
    /* Closing looks like a last word at first. */
    if (way == &up && !down.over && has_left(way->from)) reset(way->to);
    shutdown(way->to, SHUT_WR);
    way->over = true;
}

static void move(struct way *way) {
    if (way->over || way->broken) return;
    if (way->size == 0 && !way->at_end) take(way);
    if (way->size > 0) give(way);
    if (way->size == 0 && way->at_end) end(way);
}

static bool is_idle(const struct way *way) { return way->over || way->broken; }
static short wants(const struct way *way) { return !is_idle(way) && way->size == 0 ? POLLIN : 0; }
static short owes(const struct way *way) { return !is_idle(way) && way->size > 0 ? POLLOUT : 0; }

noreturn void carry(int caller, int inside) {
    int on = 1;
    setsockopt(inside, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* small messages are somebody's keystrokes */
    up.from = down.to = caller;
    up.to = down.from = inside;
    for (;;) {
        move(&up);
        move(&down);
        /* What came before a reset is handed on; nothing can go the other way any more. */
        if (is_idle(&down) && (down.broken || is_idle(&up))) _exit(0);
        struct pollfd fds[] = {{caller, wants(&up) | owes(&down), 0}, {inside, wants(&down) | owes(&up), 0}};
        /* Who has hung up would say so again and again. */
        if (fds[0].events == 0 && down.over) fds[0].fd = -1;
        if (fds[1].events == 0) fds[1].fd = -1;
        if (poll(fds, 2, -1) < 0 && errno != EINTR) _exit(1);
        if ((fds[0].revents & (POLLHUP | POLLERR)) && !down.over) reset(inside);
    }
}
