#include "accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carry.h"
#include "door.h"
#include "spawn.h"

static struct message message;

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t read_address(const char *text, uint16_t port, union address *address) {
    *address = (union address){0};
    address->ipv4.sin_family = AF_INET;
    address->ipv4.sin_port = htons(port);
    if (inet_pton(AF_INET, text, &address->ipv4.sin_addr) == 1) return sizeof address->ipv4;
    address->ipv6.sin6_family = AF_INET6; /* the port lies where it lay */
    return inet_pton(AF_INET6, text, &address->ipv6.sin6_addr) == 1 ? sizeof address->ipv6 : 0;
}

/* -1 and errno where the address is none, is not the sandbox's, or is taken. */
static int listen_at(const char *text, uint16_t port, uint16_t *chosen) {
    union address address;
    int on = 1;
    socklen_t size = read_address(text, port, &address);
    if (size == 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address.any, size) < 0 || listen(fd, SOMAXCONN) < 0) return -1;
    if (getsockname(fd, &address.any, &size) < 0) return -1;
    *chosen = ntohs(address.ipv4.sin_port);
    return fd;
}

/* Gives the listening socket to whoever of ours asks for it, until the caller closes. */
static noreturn void keep_door(int sock, struct door *door, int listening) {
    for (;;) {
        struct pollfd fds[] = {{sock, POLLIN, 0}, {door->listening, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) _exit(1);
        if (fds[0].revents != 0) _exit(0); /* nothing is waited for there but its end */
        if (fds[1].revents == 0) continue;
        admit_visitor(door);
        give_visitor(door, listening);
    }
}

void serve_listen(int sock, struct reader *request) {
    const char *id = get_string(request), *text = get_string(request);
    uint32_t port = get_u32(request);
    if (!reader_done(request) || port > UINT16_MAX) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
        return;
    }
    struct door door = {-1, -1};
    uint16_t chosen;
    int listening = listen_at(text, (uint16_t)port, &chosen);
    if (listening < 0 || !open_door(&door, id)) {
        send_error(sock, errno, REASON_NONE);
        if (listening >= 0) close(listening);
        return;
    }
    message_begin(&message, DOWN_LISTENING);
    put_u32(&message, chosen);
    if (send_message(sock, &message) == 0) keep_door(sock, &door, listening);
}

/* Waits for it as long as the caller does. */
static int accept_next(int sock, int listening, union address *source) {
    socklen_t size = sizeof *source;
    for (;;) {
        struct pollfd fds[] = {{sock, POLLIN, 0}, {listening, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) return -1;
        if (fds[0].revents != 0) _exit(0);
        int inside = accept4(listening, &source->any, &size, SOCK_CLOEXEC);
        if (inside >= 0) return inside;
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) return -1;
    }
}

static void put_bytes(const uint8_t *bytes, size_t size) {
    for (size_t index = 0; index < size; index++) put_u8(&message, bytes[index]);
}

void serve_accept(int sock, struct reader *request) {
    const char *id = get_string(request);
    union address source = {0};
    int listening = fetch_from_door(id);
    if (!reader_done(request) || listening < 0) {
        send_error(sock, ENOENT, REASON_NONE);
        return;
    }
    int inside = become_tenki() < 0 ? -1 : accept_next(sock, listening, &source);
    if (inside < 0) {
        send_error(sock, errno, REASON_NONE);
        return;
    }
    close(listening);
    message_begin(&message, DOWN_CONNECTED);
    put_u32(&message, ntohs(source.ipv4.sin_port));
    if (source.any.sa_family == AF_INET) put_bytes((const uint8_t *)&source.ipv4.sin_addr, 4);
    else put_bytes(source.ipv6.sin6_addr.s6_addr, 16);
    if (send_message(sock, &message) == 0) carry(sock, inside);
}
