#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "frame.h"
#include "relay.h"

enum { STDIN_FD = TO_FD, STDOUT_FD = TO_FD + 1, GUEST_FD = TO_FD };
enum { PIECE_BYTES = 256 << 10 };
enum { FAREWELL_MS = 5000 }; /* how long the server is listened to once ssh has said its last */
enum { ANSWER_MS = 4000 };   /* twice that is less than a guest waits for its request */
enum { SOCKET_MS = 15000 };  /* more than both */

static const uint8_t a_byte = 1; /* there has to be one beside a socket */

static bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

/* ---- the user's side ---- */

enum poured pour_all(int from, int to) {
    struct pour pouring;
    if (!open_pour(&pouring, from)) return POUR_FAILED;
    for (;;) {
        enum poured end = pour_in(&pouring, PIECE_BYTES);
        if (end == POURED) end = pour_held(&pouring, to, &passed);
        if (end != POURED) return end;
    }
}

noreturn void say_for_ssh(int from, int wire) {
    if (pour_all(from, wire) == POUR_FAILED) _exit(1);
    shutdown(wire, SHUT_WR);
    wait_for(wire, 0, FAREWELL_MS); /* returns when the server has ended, too */
    shutdown(wire, SHUT_RD);
    _exit(0);
}

/* Whoever says nothing more for ssh has to have heard its end: else the server would wait for ever. */
static void heed_sayer(int) {
    int status;
    if (waitpid(-1, &status, WNOHANG) > 0 && status != 0) report(POUR_FAILED);
}

static pid_t start_sayer(int wire) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    signal(SIGCHLD, heed_sayer);
    pid_t self = getpid(), sayer = fork();
    if (sayer < 0) report(POUR_FAILED);
    if (sayer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self) _exit(1);
        say_for_ssh(STDIN_FD, wire);
    }
    sigprocmask(SIG_UNBLOCK, &children, NULL);
    return sayer;
}

enum poured take_wire(int lane, int *wire) {
    uint8_t beside;
    ssize_t count;
    *wire = -1;
    if (send(lane, &a_byte, sizeof a_byte, MSG_NOSIGNAL) < 0) return SOURCE_ENDED;
    do {
        if (!wait_for(lane, POLLIN, SOCKET_MS)) return POUR_FAILED;
        count = receive_descriptor(lane, wire, &beside, sizeof beside, MSG_PEEK);
    } while (count < 0 && is_passing(errno));
    if (count <= 0) return SOURCE_ENDED;
    if (*wire < 0) return POURED;
    return recv(lane, &beside, sizeof beside, 0) == sizeof beside ? POURED : POUR_FAILED;
}

noreturn void carry_wire(void) {
    live_and_die_with_parent();
    wait_for_turn();
    int wire;
    enum poured taken = take_wire(FROM_FD, &wire);
    if (taken != POURED || wire < 0) report(taken);
    say_ready();
    close(FROM_FD);
    pid_t sayer = start_sayer(wire);
    enum poured end = pour_all(wire, STDOUT_FD);
    signal(SIGCHLD, SIG_IGN);
    kill(sayer, SIGKILL);
    report(end);
}

/* ---- the engine's side ---- */

static bool has_number(int fd, int option, int wanted) {
    int value;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* Half of a pair: a stream between two sockets without names, and so to nobody whom the guest would not be itself. */
static bool is_half_of_pair(int fd) {
    struct sockaddr_storage own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    return has_number(fd, SO_DOMAIN, AF_UNIX) && has_number(fd, SO_TYPE, SOCK_STREAM) &&
           getsockname(fd, (struct sockaddr *)&own, &own_size) == 0 && own_size == sizeof own.ss_family &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0 && peer_size == sizeof peer.ss_family;
}

/* The caller may not read the lane any more, or the socket could come to somebody who drops it. */
static void wait_until_caller_is_ready(void) {
    uint8_t ready;
    ssize_t count;
    do {
        if (!wait_for(FROM_FD, POLLIN, ANSWER_MS)) report(POUR_FAILED);
        count = recv(FROM_FD, &ready, sizeof ready, 0);
    } while (count < 0 && is_passing(errno));
    if (count <= 0) report(SOURCE_ENDED);
}

static void ask_guest(void) {
    static const uint8_t request[HEADER_BYTES] = {0, 0, 0, 0, REQUEST_LEND};
    if (send(GUEST_FD, request, sizeof request, MSG_NOSIGNAL) != sizeof request) report(TARGET_CLOSED);
}

static int hear_guest(void) {
    static const uint8_t expected[HEADER_BYTES] = {0, 0, 0, 0, DOWN_LENT};
    uint8_t answer[HEADER_BYTES];
    int fd;
    ssize_t count;
    do {
        if (!wait_for(GUEST_FD, POLLIN, ANSWER_MS)) report(POUR_FAILED);
        count = receive_descriptor(GUEST_FD, &fd, answer, sizeof answer, 0);
    } while (count < 0 && is_passing(errno));
    bool is_lent = count == sizeof answer && memcmp(answer, expected, sizeof answer) == 0;
    if (!is_lent || fd < 0 || !is_half_of_pair(fd)) report(POUR_FAILED);
    return fd;
}

noreturn void lend_wire(void) {
    live_and_die_with_parent();
    wait_for_turn();
    ask_guest(); /* so that it makes its pair meanwhile */
    wait_until_caller_is_ready();
    int fd = hear_guest();
    if (send_descriptor(FROM_FD, fd, &a_byte, sizeof a_byte) != sizeof a_byte) report(SOURCE_ENDED);
    report(POURED);
}
