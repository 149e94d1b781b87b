#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"
#include "frame.h"
#include "relay.h"

enum { STDIN_FD = TO_FD, STDOUT_FD = TO_FD + 1, GUEST_FD = TO_FD };
enum { PIECE_BYTES = 256 << 10 };
enum { FAREWELL_MS = 5000 }; /* how long the server is listened to once ssh has said its last */
enum { GIFT_MS = 5000 };     /* less than a guest waits for its request */

/* ---- the user's side ---- */

/* Until either end is there. */
static enum poured pour_all(int from, int to) {
    struct pour pouring;
    if (!open_pour(&pouring, from)) return POUR_FAILED;
    for (;;) {
        enum poured end = pour_in(&pouring, PIECE_BYTES);
        if (end == POURED) end = pour_held(&pouring, to, &passed);
        if (end != POURED) return end;
    }
}

static noreturn void say_for_ssh(int wire, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    pour_all(STDIN_FD, wire);
    shutdown(wire, SHUT_WR);
    wait_for(wire, 0, FAREWELL_MS); /* returns when the server has ended, too */
    shutdown(wire, SHUT_RD);
    _exit(0);
}

noreturn void carry_wire(void) {
    live_and_die_with_parent();
    wait_for_turn();
    int ends[2];
    uint8_t nothing = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) report(POUR_FAILED);
    if (send_descriptor(FROM_FD, ends[1], &nothing, sizeof nothing) < 0) report(SOURCE_ENDED);
    close(ends[1]);
    close(FROM_FD);
    pid_t self = getpid(), sayer = fork();
    if (sayer < 0) report(POUR_FAILED);
    if (sayer == 0) say_for_ssh(ends[0], self);
    enum poured end = pour_all(ends[0], STDOUT_FD);
    kill(sayer, SIGKILL);
    report(end);
}

/* ---- the engine's side ---- */

static bool has_number(int fd, int option, int wanted) {
    int value;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* Half of a pair: without a name that could be read inside, and of a kind that cannot be connected to anything else. */
static bool is_half_of_pair(int fd) {
    struct sockaddr_storage own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    return has_number(fd, SO_DOMAIN, AF_UNIX) && has_number(fd, SO_TYPE, SOCK_STREAM) &&
           getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 && own_size == sizeof own.ss_family &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0 && peer_size == sizeof peer.ss_family;
}

static int take_gift(void) {
    int fd;
    uint8_t beside;
    ssize_t count;
    do {
        if (!wait_for(FROM_FD, POLLIN, GIFT_MS)) report(POUR_FAILED);
        count = receive_descriptor(FROM_FD, &fd, &beside, sizeof beside);
    } while (count < 0 && (errno == EAGAIN || errno == EINTR));
    if (count <= 0) report(SOURCE_ENDED);
    if (fd < 0 || !is_half_of_pair(fd)) report(POUR_FAILED);
    return fd;
}

noreturn void lend_wire(void) {
    static const uint8_t header[HEADER_BYTES] = {0, 0, 0, 0, REQUEST_LEND};
    live_and_die_with_parent();
    wait_for_turn();
    int fd = take_gift();
    if (send_descriptor(GUEST_FD, fd, header, sizeof header) != sizeof header) report(TARGET_CLOSED);
    report(POURED);
}
