#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "carry.h"
#include "connect.h"
#include "inside.h"
#include "spawn.h"
#include "tree.h"

enum { TARGET_PORT = 0, TARGET_UNIX_SOCKET = 1 };

static bool may_be_dialled(const char *real) {
    static const char *const places[] = {HOME, "/tmp", "/run", "/var/run"};
    for (size_t index = 0; index < sizeof places / sizeof *places; index++) {
        size_t length = strlen(places[index]);
        if (strncmp(real, places[index], length) == 0 && real[length] == '/') return true;
    }
    return false;
}

static int connect_path(const char *path, int64_t deadline) {
    char real[PATH_MAX];
    struct stat info;
    /* Held by a descriptor: links that are swapped after the check lead nobody elsewhere. */
    int found = open(path, O_PATH | O_CLOEXEC);
    if (found < 0 || fstat(found, &info) < 0) return refuse(errno, REASON_PATH_DENIED);
    if (real_path(found, real, sizeof real) < 0 || !may_be_dialled(real)) return refuse(EACCES, REASON_PATH_DENIED);
    if (!S_ISSOCK(info.st_mode)) return refuse(ENOTSOCK, REASON_PATH_DENIED);
    struct sockaddr_un target = {.sun_family = AF_UNIX};
    descriptor_path(found, target.sun_path);
    int sock = connect_until(&target, sizeof target, deadline);
    if (sock < 0 && (errno == EACCES || errno == EPERM)) failure_reason = REASON_PATH_DENIED;
    return sock;
}

void serve_dial(int sock, struct reader *request) {
    static struct message message;
    uint8_t kind = get_u8(request);
    uint32_t port = get_u32(request);
    const char *path = get_string(request);
    int64_t deadline = now_ms() + get_u32(request);
    if (!reader_done(request) || kind > TARGET_UNIX_SOCKET || port > UINT16_MAX) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
        return;
    }
    int inside = become_tenki();
    if (inside == 0) {
        inside = kind == TARGET_PORT ? connect_port((uint16_t)port, deadline) : connect_path(path, deadline);
    }
    if (inside < 0) {
        send_error(sock, errno, failure_reason);
        return;
    }
    message_begin(&message, DOWN_CONNECTED);
    if (send_message(sock, &message) == 0) carry(sock, inside);
}
