/*
 * Pid 1 does as little as possible: whatever can fail or grow happens in a handler, one per connection,
 * so that nothing a caller or the guest does can end the process that the sandbox hangs on.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "handler.h"

enum {
    REST_MS = 50, /* accepting rests when descriptors or memory have run out: it would fail again at once */
    REFUSED_MAX = 64,
};

/*
 * Connections that no process could be made for, kept until their callers close: closed at once, a
 * caller that is still sending would see its write fail instead of the reason.
 */
static struct {
    int socks[REFUSED_MAX];
    size_t count;
} refused;

static void drop_refused(size_t index) {
    close(refused.socks[index]);
    refused.count--;
    memmove(refused.socks + index, refused.socks + index + 1, (refused.count - index) * sizeof(int));
}

static void keep_refused(int sock) {
    if (refused.count == REFUSED_MAX) drop_refused(0); /* the oldest has had time to read */
    refused.socks[refused.count++] = sock;
}

static void reap_orphans(int signals) {
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) > 0) continue;
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

static void serve(int sock, int signals) {
    pid_t pid = fork();
    if (pid == 0) {
        close(LISTEN_FD);
        close(signals);
        handle_connection(sock);
    }
    if (pid > 0) {
        close(sock);
        return;
    }
    /* The process limit, most likely. Fits into any socket buffer, so it cannot block. */
    send_error(sock, errno, REASON_NONE);
    keep_refused(sock);
}

/* False when accepting had better rest for a while. */
static bool accept_all(int signals) {
    for (;;) {
        int sock = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
        if (sock >= 0) serve(sock, signals);
        else if (errno == EAGAIN) return true;
        else if (errno != EINTR && errno != ECONNABORTED) return false;
    }
}

/* Everything is blocked: not even the runtime's stop signal may end pid 1 before its container is killed. */
static int take_signals(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t all, child;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A handler's pipes must never land on 0, 1 or 2, where its command's streams go. */
static void fill_standard_streams(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) close(fd);
}

/* One turn. False when accepting had better rest. */
static bool wait_and_serve(int signals, bool resting) {
    struct pollfd fds[2 + REFUSED_MAX] = {{signals, POLLIN, 0}, {resting ? -1 : LISTEN_FD, POLLIN, 0}};
    for (size_t index = 0; index < refused.count; index++) fds[2 + index].fd = refused.socks[index];
    if (poll(fds, 2 + refused.count, resting ? REST_MS : -1) < 0) return !resting;
    if (fds[0].revents != 0) reap_orphans(signals);
    for (size_t index = refused.count; index-- > 0;) {
        if (fds[2 + index].revents != 0) drop_refused(index); /* nothing is waited for there but its end */
    }
    return accept_all(signals);
}

static bool take_listening_socket(void) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) return false;
    return fcntl(LISTEN_FD, F_SETFL, O_NONBLOCK) == 0 && fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) == 0;
}

int run_init(void) {
    if (!take_listening_socket()) {
        fprintf(stderr, "tenki-guest: descriptor %d is no listening socket\n", LISTEN_FD);
        return 1;
    }
    fill_standard_streams();
    int signals = take_signals();
    umask(022);
    if (signals < 0 || chdir("/") < 0) return 1;
    for (bool resting = false;;) resting = !wait_and_serve(signals, resting);
}
