#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "inside.h"
#include "tree.h"

/* A port of ours that nobody listens on can be the very one that the kernel picks for our own end. */
static bool is_own_end(int sock) {
    struct sockaddr_storage ours = {0}, theirs = {0};
    socklen_t size = sizeof ours, other = sizeof theirs;
    if (getsockname(sock, (struct sockaddr *)&ours, &size) < 0) return false;
    if (ours.ss_family == AF_UNIX || getpeername(sock, (struct sockaddr *)&theirs, &other) < 0) return false;
    return size == other && memcmp(&ours, &theirs, size) == 0;
}

int connect_until(const void *address, socklen_t size, int64_t deadline) {
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

int connect_port(uint16_t port, int64_t deadline) {
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
