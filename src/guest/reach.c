/*
 * Speaks as a child process of Node's does, over descriptor 3: a JSON document a line. The engine asks by a string,
 * "<number> <pid> <start> <port> <timeout ms>", and is answered by "<number> <errno>", or by the words with which Node
 * announces a descriptor that comes along. Each question has a process of its own, which alone enters a namespace.
 */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connect.h"
#include "sandbox-root.h"
#include "spawn.h"
#include "tree.h"

enum { CHANNEL = 3, LINES_MAX = 64 << 10 };

struct question {
    unsigned number, port;
    char pid[16], start_ticks[24];
    int timeout_ms;
};

static int running, running_max;

/*
 * Waits while the engine is behind with reading, which a child's end interrupts: an answer that is lost then is one
 * that somebody waits for. Any other failure means that nobody asks any more.
 */
static void answer(const struct msghdr *message) {
    ssize_t sent;
    do sent = sendmsg(CHANNEL, message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
}

static void answer_failure(unsigned number, int error) {
    char line[64];
    int size = snprintf(line, sizeof line, "\"%u %d\"\n", number, error);
    struct iovec part = {line, (size_t)size};
    answer(&(struct msghdr){.msg_iov = &part, .msg_iovlen = 1});
}

static void answer_socket(unsigned number, int sock) {
    char line[96];
    int size = snprintf(line, sizeof line, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":\"%u\"}\n", number);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof sock), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &sock, sizeof sock);
    struct iovec part = {line, (size_t)size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    answer(&message);
}

static noreturn void connect_inside(const struct question *asked) {
    int on = 1;
    int64_t deadline = now_ms() + asked->timeout_ms;
    bool entered = enter_sandbox_network(asked->pid, asked->start_ticks) && become_tenki() == 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* not before: becoming somebody else takes it back */
    int sock = entered ? connect_port((uint16_t)asked->port, deadline) : -1;
    if (sock < 0) {
        answer_failure(asked->number, errno);
        _exit(0);
    }
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    answer_socket(asked->number, sock);
    _exit(0);
}

static void reap(void) {
    while (running > 0 && waitpid(-1, NULL, WNOHANG) > 0) running--;
}

/* What Node says of its own accord is no question. */
static void take_line(const char *line) {
    struct question asked;
    if (sscanf(line, "\"%u %15s %23s %u %d\"", &asked.number, asked.pid, asked.start_ticks, &asked.port,
               &asked.timeout_ms) != 5) {
        return;
    }
    reap();
    pid_t pid = running < running_max ? fork() : -1;
    if (pid == 0) connect_inside(&asked);
    if (pid < 0) answer_failure(asked.number, EAGAIN);
    else running++;
}

/* Returns how many bytes are left of a line that is not whole. */
static size_t take_lines(char *text, size_t size) {
    char *start = text, *end;
    while ((end = memchr(start, '\n', size - (size_t)(start - text))) != NULL) {
        *end = 0;
        take_line(start);
        start = end + 1;
    }
    size_t left = size - (size_t)(start - text);
    memmove(text, start, left);
    return left;
}

static void wake(int signal) { (void)signal; }

int serve_reach(int processes_max) {
    static char lines[LINES_MAX];
    size_t held = 0;
    running_max = processes_max;
    /* It ends with its engine, which closes the channel, and not by what a terminal sends to both. */
    for (int index = 0; index < 3; index++) signal((int[]){SIGINT, SIGTERM, SIGHUP}[index], SIG_IGN);
    struct sigaction interrupting = {.sa_handler = wake};
    sigaction(SIGCHLD, &interrupting, NULL);
    while (held < sizeof lines) {
        ssize_t count = read(CHANNEL, lines + held, sizeof lines - held);
        reap();
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return 0;
        held = take_lines(lines, held + (size_t)count);
    }
    return 1;
}
