/*
 * One command, from start to exit: a loop over its pipes, its caller's socket, its children and the clock.
 * Nothing blocks but poll. One frame at a time waits to be sent; while it does, nothing more is read from
 * the command, which so feels a slow caller through its own pipes.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler.h"
#include "input.h"
#include "spawn.h"
#include "tree.h"

enum { OUTPUT_PIPE_BYTES = 256 << 10, ABANDONED_PAUSE_MS = 50 };

struct run {
    int sock, signals;
    struct command command;
    struct children children;
    struct streams streams; /* `in` has moved to input.fd */
    struct input input;
    int64_t began, hangup_end; /* hangup_end: 0 while the caller is there */
    bool started, childless, timed_out, ended;
    bool abandoned; /* nobody holds the terminal at the moment */
    /* The frame being sent. */
    struct message message;
    size_t size, sent;
    /* The frame being received. */
    uint8_t header[HEADER_BYTES + 4];
    uint32_t header_got, stdin_left;
};

/* NULL-terminated, as exec wants it. */
static char **get_list(struct reader *request) {
    uint32_t count = get_u32(request);
    if (count > REQUEST_MAX / HEADER_BYTES) request->bad = true;
    char **list = request->bad ? NULL : calloc(count + 1, sizeof *list);
    if (list == NULL) request->bad = true;
    for (uint32_t index = 0; !request->bad && index < count; index++) list[index] = get_string(request);
    return list;
}

static bool read_command(struct reader *request, struct command *command) {
    uint8_t flags = get_u8(request);
    command->privileged = flags & RUN_PRIVILEGED;
    command->pty = flags & RUN_PTY;
    command->want_stdin = flags & RUN_STDIN;
    command->rows = (uint16_t)get_u32(request);
    command->columns = (uint16_t)get_u32(request);
    command->timeout_ms = get_u32(request);
    command->cwd = get_string(request);
    command->argv = get_list(request);
    command->env = get_list(request);
    return reader_done(request) && command->argv[0] != NULL;
}

/* True when nobody is left who could say more, though what was said may still be on its way. */
static bool has_fallen_silent(const struct run *run) {
    struct pollfd fds[] = {{run->streams.out, 0, 0}, {run->streams.err, 0, 0}};
    if (!run->children.exited || poll(fds, 2, 0) < 0) return false;
    return (fds[0].fd < 0 || fds[0].revents != 0) && (fds[1].fd < 0 || fds[1].revents != 0);
}

/* ---- down: what the caller is told ---- */

static void hang_up(struct run *run) {
    if (run->ended || has_fallen_silent(run)) _exit(0); /* what the command left running lives on */
    if (run->hangup_end != 0) return;
    run->hangup_end = now_ms() + HANGUP_GRACE_MS;
    run->size = run->sent = 0;
    input_close(&run->input);
    signal_tree(SIGHUP);
    signal_tree(SIGCONT); /* what is stopped could not hear it */
}

static void flush(struct run *run) {
    while (run->sent < run->size) {
        const uint8_t *rest = run->message.bytes + run->sent;
        ssize_t count = send(run->sock, rest, run->size - run->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) run->sent += (size_t)count;
        else if (errno == EAGAIN) return;
        else if (errno != EINTR) return hang_up(run);
    }
    run->size = run->sent = 0;
}

static void send_now(struct run *run) {
    run->sent = 0;
    run->size = run->hangup_end == 0 ? message_seal(&run->message) : 0;
    flush(run);
}

static bool is_sending(const struct run *run) { return run->size != 0; }

/* What is there is still read, but nothing more is waited for: a terminal ends with its session's leader. */
static bool is_draining(const struct run *run) {
    return run->timed_out || (run->command.pty && run->children.exited);
}

static void forward(struct run *run, int *fd, uint8_t type) {
    ssize_t count = read(*fd, message_payload(&run->message), CHUNK_BYTES);
    if (count > 0) {
        message_begin(&run->message, type);
        run->message.length = (size_t)count;
        send_now(run);
    } else if (count < 0 && errno == EIO && !run->children.exited) {
        run->abandoned = true; /* closing our end would hang up on a command that is only about to exit */
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN) || (errno == EAGAIN && is_draining(run))) {
        close(*fd); /* EIO is a terminal's end of file */
        *fd = -1;
    }
}

static void report_start(struct run *run) {
    struct spawn_failure failure;
    ssize_t count = read(run->streams.status, &failure, sizeof failure);
    if (count < 0) return;
    close(run->streams.status);
    run->streams.status = -1;
    if (count == sizeof failure) {
        message_begin(&run->message, DOWN_SPAWN_FAILED);
        put_u32(&run->message, (uint32_t)failure.error);
        put_u8(&run->message, (uint8_t)failure.step);
        run->ended = true;
    } else {
        message_begin(&run->message, DOWN_STARTED);
        put_u32(&run->message, (uint32_t)run->children.main);
        put_u32(&run->message, STDIN_WINDOW);
        run->started = true;
    }
    send_now(run);
}

static void report_taken(struct run *run) {
    uint32_t taken = input_report(&run->input);
    if (taken == 0) return;
    message_begin(&run->message, DOWN_STDIN_TAKEN);
    put_u32(&run->message, taken);
    send_now(run);
}

static void report_exit(struct run *run) {
    int status = run->children.exited ? run->children.status : SIGKILL;
    message_begin(&run->message, DOWN_EXIT);
    put_u32(&run->message, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0);
    put_u32(&run->message, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
    put_u8(&run->message, run->timed_out);
    put_u64(&run->message, (uint64_t)(now_ms() - run->began));
    run->ended = true;
    send_now(run);
}

/* ---- up: what the caller says ---- */

static ssize_t receive(struct run *run, void *bytes, size_t size) {
    ssize_t count = recv(run->sock, bytes, size, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) hang_up(run);
    return count;
}

static bool receive_stdin(struct run *run) {
    uint32_t room;
    uint8_t *place = input_room(&run->input, &room);
    ssize_t count = receive(run, place, run->stdin_left < room ? run->stdin_left : room);
    if (count <= 0) return false;
    run->stdin_left -= (uint32_t)count;
    input_added(&run->input, (uint32_t)count);
    return true;
}

/* A header, and with it the payload of a signal; stdin's own goes into the ring. */
static bool receive_head(struct run *run) {
    struct reader head = {run->header, run->header + sizeof run->header, false};
    uint32_t length = get_u32(&head);
    uint8_t type = get_u8(&head);
    uint32_t wanted = HEADER_BYTES;
    if (run->header_got >= HEADER_BYTES && type == UP_SIGNAL && length == 4) wanted += 4;
    if (run->header_got < wanted) {
        ssize_t count = receive(run, run->header + run->header_got, wanted - run->header_got);
        if (count > 0) run->header_got += (uint32_t)count;
        return count > 0;
    }
    run->header_got = 0;
    if (type == UP_STDIN && length <= STDIN_WINDOW - run->input.used - run->input.taken) {
        run->stdin_left = length;
    } else if (type == UP_STDIN_CLOSE && length == 0) {
        input_close(&run->input);
    } else if (type == UP_SIGNAL && length == 4) {
        int number = (int)get_u32(&head);
        if (number > 0 && number < NSIG) signal_group(&run->children, number);
    } else {
        hang_up(run); /* not our protocol, or more stdin than was granted */
    }
    return true;
}

static void receive_all(struct run *run) {
    while (run->hangup_end == 0 && (run->stdin_left > 0 ? receive_stdin(run) : receive_head(run))) continue;
    input_feed(&run->input);
}

/* ---- the loop ---- */

static int64_t next_deadline(const struct run *run) {
    if (run->hangup_end != 0) return run->hangup_end;
    if (run->command.timeout_ms == 0 || run->timed_out) return -1;
    return run->began + run->command.timeout_ms;
}

static void check_deadline(struct run *run) {
    int64_t deadline = next_deadline(run);
    if (deadline < 0 || now_ms() < deadline) return;
    if (run->hangup_end == 0 && has_fallen_silent(run)) {
        run->command.timeout_ms = 0; /* it was in time: its reader is late */
        return;
    }
    kill_tree(&run->children);
    if (run->hangup_end != 0) _exit(0);
    run->timed_out = true;
}

static int wait_ms(const struct run *run) {
    int64_t deadline = next_deadline(run);
    if (deadline < 0) return -1;
    int64_t left = deadline - now_ms();
    return left < 0 ? 0 : left > 1000000000 ? 1000000000 : (int)left;
}

/* A terminal that is drained or that nobody holds tells nothing by itself: it has to be looked at again. */
static int look_again_ms(const struct run *run) {
    if (is_draining(run)) return 0;
    int left = wait_ms(run);
    return run->abandoned && (left < 0 || left > ABANDONED_PAUSE_MS) ? ABANDONED_PAUSE_MS : left;
}

static void wait_and_serve(struct run *run) {
    bool sending = is_sending(run), gone = run->hangup_end != 0;
    bool reading = run->started && !sending;
    struct pollfd fds[] = {
        {run->signals, POLLIN, 0},
        {gone ? -1 : run->sock, (short)(sending ? POLLIN | POLLOUT : POLLIN), 0},
        {sending ? -1 : run->streams.status, POLLIN, 0},
        {reading && !run->abandoned ? run->streams.out : -1, POLLIN, 0},
        {reading ? run->streams.err : -1, POLLIN, 0},
        {run->input.used > 0 ? run->input.fd : -1, POLLOUT, 0},
    };
    if (poll(fds, sizeof fds / sizeof *fds, reading ? look_again_ms(run) : wait_ms(run)) < 0) return;
    if (fds[0].revents != 0) {
        struct signalfd_siginfo info;
        while (read(run->signals, &info, sizeof info) > 0) continue;
        run->childless = reap_children(&run->children);
    }
    if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) receive_all(run);
    if (fds[1].revents & POLLOUT) flush(run);
    if (fds[5].revents != 0) input_feed(&run->input);
    if (fds[2].revents != 0 && !is_sending(run)) report_start(run);
    bool look = is_draining(run) || run->abandoned;
    run->abandoned = false;
    if (run->streams.out >= 0 && reading && (look || fds[3].revents != 0) && !is_sending(run)) {
        forward(run, &run->streams.out, DOWN_STDOUT);
    }
    if (run->streams.err >= 0 && reading && (look || fds[4].revents != 0) && !is_sending(run)) {
        forward(run, &run->streams.err, DOWN_STDERR);
    }
}

static bool is_over(const struct run *run) {
    if (!run->started || run->hangup_end != 0) return false;
    bool exited = run->children.exited || run->timed_out; /* what is stuck in the kernel is not waited for */
    return exited && run->streams.out < 0 && run->streams.err < 0;
}

static noreturn void loop(struct run *run) {
    for (;;) {
        wait_and_serve(run);
        check_deadline(run);
        if (run->hangup_end != 0 && run->childless) _exit(0);
        if (run->started && !is_sending(run)) report_taken(run);
        if (!is_sending(run) && is_over(run)) report_exit(run);
        if (!is_sending(run) && run->ended) finish(run->sock);
    }
}

static int open_child_signals(void) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

noreturn void serve_run(int sock, struct reader *request) {
    static struct run run; /* static: only what is touched costs memory */
    run.sock = sock;
    run.began = now_ms();
    if (!read_command(request, &run.command)) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
        finish(sock);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    run.signals = open_child_signals();
    run.children.main = run.signals < 0 ? -1 : spawn_command(&run.command, &run.streams);
    if (run.children.main < 0) {
        send_error(sock, errno, REASON_NONE);
        finish(sock);
    }
    run.input.fd = run.streams.in;
    run.input.pty = run.command.pty;
    /* Larger than the default: fewer turns. Not by much: a user's pipes are bounded in sum, and shared. */
    if (!run.command.pty) fcntl(run.streams.out, F_SETPIPE_SZ, OUTPUT_PIPE_BYTES);
    loop(&run);
}
