#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "carry.h"
#include "inside.h"
#include "spawn.h"

enum { TARGET_PORT = 0, TARGET_UNIX_SOCKET = 1 };

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A port of ours that nobody listens on can be the very one that the kernel picks for our own end. */
static bool is_own_end(int sock) {
    struct sockaddr_storage ours = {0}, theirs = {0};
    socklen_t size = sizeof ours, other = sizeof theirs;
    if (getsockname(sock, (struct sockaddr *)&ours, &size) < 0) return false;
    if (ours.ss_family == AF_UNIX || getpeername(sock, (struct sockaddr *)&theirs, &other) < 0) return false;
    return size == other && memcmp(&ours, &theirs, size) == 0;
}

static int connect_until(const void *address, socklen_t size, int64_t deadline) {
    int64_t left = deadline - now_ms();
    if (left <= 0) return refuse(ETIMEDOUT, REASON_NONE);
    struct timeval patience = {left / 1000, left % 1000 * 1000};
    int sock = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0) return -1;
    int error = 0;
    /* The time to send counts for connecting as well, and ends it with one of the two errors. */
    if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0) error = errno;
    else if (connect(sock, address, size) < 0) error = errno;
    else if (is_own_end(sock)) error = ECONNREFUSED;
    if (error == 0) return sock;
    close(sock);
    return refuse(error == EINPROGRESS || error == EAGAIN ? ETIMEDOUT : error, REASON_NONE);
}

static int connect_ipv4(struct in_addr address, uint16_t port, int64_t deadline) {
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
    return connect_until(&target, sizeof target, deadline);
}

static int connect_ipv6(struct in6_addr address, uint32_t scope, uint16_t port, int64_t deadline) {
    struct sockaddr_in6 target = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = address, .sin6_scope_id = scope};
    return connect_until(&target, sizeof target, deadline);
}

/* At an address of the sandbox's own, for who listens on that alone. */
static int connect_interface(const struct ifaddrs *interface, uint16_t port, int64_t deadline) {
    const struct sockaddr *address = interface->ifa_addr;
    if (address == NULL || (interface->ifa_flags & IFF_LOOPBACK)) return refuse(ECONNREFUSED, REASON_NONE);
    if (address->sa_family == AF_INET) {
        return connect_ipv4(((const struct sockaddr_in *)address)->sin_addr, port, deadline);
    }
    if (address->sa_family != AF_INET6) return refuse(ECONNREFUSED, REASON_NONE);
    const struct sockaddr_in6 *found = (const struct sockaddr_in6 *)address;
    return connect_ipv6(found->sin6_addr, found->sin6_scope_id, port, deadline);
}

static int connect_port(uint16_t port, int64_t deadline) {
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    int sock = connect_ipv4(loopback, port, deadline);
    if (sock < 0 && errno == ECONNREFUSED) sock = connect_ipv6(in6addr_loopback, 0, port, deadline);
    if (sock >= 0 || errno == ETIMEDOUT) return sock;
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) < 0) return refuse(ECONNREFUSED, REASON_NONE);
    for (const struct ifaddrs *next = interfaces; sock < 0 && next != NULL; next = next->ifa_next) {
        sock = connect_interface(next, port, deadline);
        if (sock < 0 && errno == ETIMEDOUT) break;
    }
    /* Not what the last of them said: a kernel without IPv6 has words of its own for it. */
    int error = sock < 0 && errno == ETIMEDOUT ? ETIMEDOUT : ECONNREFUSED;
    freeifaddrs(interfaces);
    return sock < 0 ? refuse(error, REASON_NONE) : sock;
}

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
