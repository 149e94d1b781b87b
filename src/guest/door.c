#include "door.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptor.h"
#include "handler.h"

enum { HAND_OVER_SECONDS = 20 }; /* longer than who serves a command may be busy with killing it */

static const char prefix[] = "tenki/";

/* Its size; 0 where the id is none. */
static socklen_t name_door(const char *id, struct sockaddr_un *address) {
    size_t before = sizeof prefix - 1, length = strlen(id);
    if (length == 0 || 1 + before + length > sizeof address->sun_path) return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX}; /* an abstract name begins with a NUL */
    memcpy(address->sun_path + 1, prefix, before);
    memcpy(address->sun_path + 1 + before, id, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + before + length);
}

static bool is_ours(int sock) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void close_end(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

bool open_door(struct door *door, const char *id) {
    struct sockaddr_un address;
    socklen_t size = name_door(id, &address);
    if (size == 0) {
        errno = EINVAL;
        return false;
    }
    door->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->listening < 0) return false;
    return bind(door->listening, (struct sockaddr *)&address, size) == 0 && listen(door->listening, SOMAXCONN) == 0;
}

void close_door(struct door *door) {
    close_end(&door->listening);
    close_end(&door->visitor);
}

void admit_visitor(struct door *door) {
    int sock = accept4(door->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (sock < 0) return;
    if (is_ours(sock)) {
        close_end(&door->visitor);
        door->visitor = sock;
    } else {
        close(sock);
    }
}

int take_connection(struct door *door, uint64_t *offset) {
    int sock;
    ssize_t size = receive_descriptor(door->visitor, &sock, offset, sizeof *offset, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return -1;
    if (sock >= 0 && size == sizeof *offset) return sock;
    close_end(&sock);
    close_end(&door->visitor);
    return -1;
}

void answer_visitor(struct door *door, enum error_reason reason) {
    uint8_t answer = (uint8_t)reason;
    if (send(door->visitor, &answer, 1, MSG_NOSIGNAL) < 0) { /* it is gone: so will be what it brought */ }
    close_end(&door->visitor);
}

void give_visitor(struct door *door, int fd) {
    if (door->visitor < 0) return;
    uint64_t nothing = 0;
    if (send_descriptor(door->visitor, fd, &nothing, sizeof nothing) < 0) { /* it is gone, and needs nothing */ }
    close_end(&door->visitor);
}

/* ---- the other side ---- */

/* A connection to the door; -1 where there is none, or it is somebody else's. */
static int knock(const char *id) {
    struct sockaddr_un address;
    socklen_t size = name_door(id, &address);
    int keeper = size == 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (keeper < 0) return -1;
    if (connect(keeper, (struct sockaddr *)&address, size) == 0 && is_ours(keeper)) return keeper;
    close(keeper);
    return -1;
}

/* What is answered to it; -1 where nothing is. */
static int hand_over(int keeper, int sock, uint64_t offset) {
    uint8_t answer;
    if (send_descriptor(keeper, sock, &offset, sizeof offset) < 0) return -1;
    return recv(keeper, &answer, 1, 0) == 1 ? answer : -1;
}

int fetch_from_door(const char *id) {
    int keeper = knock(id), fd = -1;
    uint64_t number;
    if (keeper < 0) return -1;
    if (receive_descriptor(keeper, &fd, &number, sizeof number, 0) < 0) fd = -1;
    close(keeper);
    return fd;
}

noreturn void serve_attach(int sock, struct reader *request) {
    const char *id = get_string(request);
    uint64_t offset = get_u64(request);
    if (!reader_done(request)) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
        finish(sock);
    }
    alarm(HAND_OVER_SECONDS);
    int keeper = knock(id);
    int answer = keeper < 0 ? -1 : hand_over(keeper, sock, offset);
    alarm(0);
    if (answer == REASON_NONE) _exit(0); /* the connection is the keeper's */
    if (answer == REASON_NOT_KEPT) send_error(sock, ERANGE, REASON_NOT_KEPT);
    else send_error(sock, ENOENT, REASON_NONE);
    finish(sock);
}
