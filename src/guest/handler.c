#include "handler.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "descriptor.h"
#include "dial.h"
#include "door.h"
#include "files.h"
#include "frame.h"
#include "prepare.h"
#include "run.h"

/* SIGALRM's default ends a handler whose caller says nothing; everything else stays blocked. */
static void allow_alarm(void) {
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
}

static void answer_ping(int sock) {
    static struct message message;
    message_begin(&message, DOWN_PONG);
    put_u32(&message, PROTOCOL_VERSION);
    send_message(sock, &message);
}

static void dispatch(int sock, uint8_t type, struct reader *request, int lent) {
    switch (type) {
    case REQUEST_PING: answer_ping(sock); break;
    case REQUEST_RUN: serve_run(sock, request, lent); break;
    case REQUEST_ATTACH: serve_attach(sock, request);
    case REQUEST_DIAL: serve_dial(sock, request); break;
    case REQUEST_LISTEN: serve_listen(sock, request); break;
    case REQUEST_ACCEPT: serve_accept(sock, request); break;
    case REQUEST_PREPARE: serve_prepare(sock, request); break;
    case REQUEST_PLACE: serve_place(sock, request); break;
    default: serve_file_request(sock, type, request); break;
    }
}

static noreturn void refuse(int sock, int error, enum error_reason reason) {
    send_error(sock, error, reason);
    finish(sock);
}

/* A pair of sockets, made here so that it belongs to the sandbox's network: the caller gets one, the result is the other. */
static int lend(int sock) {
    static const uint8_t header[HEADER_BYTES] = {0, 0, 0, 0, DOWN_LENT};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) refuse(sock, errno, REASON_NONE);
    if (send_descriptor(sock, ends[1], header, sizeof header) != sizeof header) _exit(0);
    close(ends[1]);
    return ends[0];
}

/* Of the request; the result is what was lent to the command that it asks for, or -1. */
static int receive_request_header(int sock, uint8_t *type, uint32_t *length) {
    if (receive_header(sock, type, length) < 0) _exit(0);
    if (*type != REQUEST_LEND || *length != 0) return -1;
    int lent = lend(sock);
    if (receive_header(sock, type, length) < 0) _exit(0);
    if (*type != REQUEST_RUN) refuse(sock, EINVAL, REASON_BAD_REQUEST);
    return lent;
}

noreturn void handle_connection(int sock) {
    allow_alarm();
    alarm(REQUEST_SECONDS);
    uint8_t type;
    uint32_t length;
    int lent = receive_request_header(sock, &type, &length);
    if (length > REQUEST_MAX) refuse(sock, E2BIG, REASON_BAD_REQUEST);
    uint8_t *payload = malloc(length + 1);
    if (payload == NULL) refuse(sock, ENOMEM, REASON_NONE);
    if (receive_bytes(sock, payload, length) < 0) _exit(0);
    alarm(0);
    struct reader request = {payload, payload + length, false};
    dispatch(sock, type, &request, lent);
    finish(sock);
}

noreturn void finish(int sock) {
    /*
     * Closing with unread bytes would be a reset, and a caller in the middle of a write would lose the
     * answer to its own EPIPE. So the caller closes first, however long it takes to read, and whatever it
     * is still sending meanwhile.
     */
    signal(SIGCHLD, SIG_IGN);
    shutdown(sock, SHUT_WR);
    static char scratch[65536];
    while (recv(sock, scratch, sizeof scratch, 0) > 0) continue;
    _exit(0);
}
