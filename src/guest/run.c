/*
 * One command, from start to exit: a loop over its pipes, its caller's socket, its children and the clock.
 * Nothing blocks but poll. One frame at a time waits to be sent; while it does, nothing more is read from
 * the command, which so feels a slow caller, or none, through its own pipes.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler.h"
#include "run-state.h"

enum {
    OUTPUT_PIPE_BYTES = 256 << 10,
    ABANDONED_PAUSE_MS = 50,
    TICK_MS = 1000, /* while there is a deadline */
    FROZEN_MS = 1000, /* late by more than this, one was not slow but frozen */
    NO_DEADLINE = -1,
};

bool has_fallen_silent(const struct run *run) {
    struct pollfd fds[] = {{run->streams.out, 0, 0}, {run->streams.err, 0, 0}};
    if (!run->children.exited || poll(fds, 2, 0) < 0) return false;
    return (fds[0].fd < 0 || fds[0].revents != 0) && (fds[1].fd < 0 || fds[1].revents != 0);
}

/* ---- the caller's coming and going ---- */

static void set_caller(struct run *run, int sock) {
    if (run->sock >= 0) close(run->sock);
    run->sock = sock;
    run->size = run->sent = 0;
    run->header_got = run->stdin_left = 0;
    run->said_last = false;
}

/* Whoever still has it, on either side, sees its end. */
static void end_lent(struct run *run) {
    if (run->command.lent < 0) return;
    shutdown(run->command.lent, SHUT_RDWR);
    close(run->command.lent);
    run->command.lent = -1;
}

void hang_up(struct run *run) {
    if (run->over_at != 0 || has_fallen_silent(run)) _exit(0); /* what the command left running lives on */
    if (run->command.let_go) {
        end_lent(run);
        _exit(0);
    }
    set_caller(run, -1);
    if (run->hangup_end != 0) return;
    close_door(&run->door);
    run->output.kept = false;
    run->hangup_end = lived_ms(run) + HANGUP_GRACE_MS;
    input_close(&run->input);
    signal_tree(SIGHUP);
    signal_tree(SIGCONT); /* what is stopped could not hear it */
}

void lose_caller(struct run *run) {
    bool failed = run->said_last && !run->started;
    if (!is_kept(run) || failed) return hang_up(run);
    set_caller(run, -1);
    run->linger_end = lived_ms(run) + run->command.linger_ms;
}

/* Who gave up on the way must not take the place of a caller who is there. */
static bool has_left(int sock) {
    char byte;
    ssize_t count = recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

static void change_caller(struct run *run) {
    uint64_t offset;
    struct frame_rest rest;
    int sock = take_connection(&run->door, &offset);
    if (sock < 0) return;
    bool there = !has_left(sock) && output_rewind(&run->output, offset, &rest);
    answer_visitor(&run->door, there ? REASON_NONE : REASON_NOT_KEPT);
    if (!there) {
        close(sock);
        return;
    }
    set_caller(run, sock);
    tell_attached(run, &rest);
}

/* ---- the command's output ---- */

/* What is there is still read, but nothing more is waited for: a terminal ends with its session's leader. */
static bool is_draining(const struct run *run) {
    return run->timed_out || (run->command.pty && run->children.exited);
}

/* Of a tree that was hung up on, too: what nobody hears must not hold it up. */
static bool wants_output(const struct run *run) {
    bool heard = run->hangup_end != 0 || (run->sock >= 0 && !is_sending(run));
    return run->started && heard && (run->streams.out >= 0 || run->streams.err >= 0);
}

static void forward(struct run *run, int *fd, uint8_t type) {
    ssize_t count = read(*fd, output_room(&run->output), CHUNK_BYTES);
    if (count > 0) {
        output_added(&run->output, type, (uint32_t)count);
        flush(run);
    } else if (count < 0 && errno == EIO && !run->children.exited) {
        run->abandoned = true; /* closing our end would hang up on a command that is only about to exit */
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN) || (errno == EAGAIN && is_draining(run))) {
        close(*fd); /* EIO is a terminal's end of file */
        *fd = -1;
    }
}

/* ---- the clock ---- */

static bool is_lingering(const struct run *run) { return run->command.linger_ms != 0 && run->sock < 0; }

static int64_t next_deadline(const struct run *run) {
    if (run->hangup_end != 0) return run->hangup_end;
    bool limited = run->command.timeout_ms != 0 && !run->timed_out && run->over_at == 0;
    int64_t timeout = run->began + run->command.timeout_ms;
    if (!limited) return is_lingering(run) ? run->linger_end : NO_DEADLINE;
    return is_lingering(run) && run->linger_end < timeout ? run->linger_end : timeout;
}

/* No clock stands still for a frozen cgroup; but who is frozen does not come back in time. */
static void notice_freeze(struct run *run, int waited) {
    int64_t now = now_ms(), late = now - run->looked - waited;
    if (waited >= 0 && late > FROZEN_MS) run->frozen += late;
    run->looked = now;
}

static void check_deadline(struct run *run) {
    int64_t deadline = next_deadline(run);
    if (deadline == NO_DEADLINE) return;
    notice_freeze(run, 0); /* it need not have come while polling */
    if (run->looked - run->frozen < deadline) return;
    if (run->hangup_end != 0) {
        kill_tree(&run->children);
        _exit(0);
    }
    if (is_lingering(run) && deadline == run->linger_end) return hang_up(run);
    if (has_fallen_silent(run)) {
        run->command.timeout_ms = 0; /* it was in time: its reader is late */
        return;
    }
    kill_tree(&run->children);
    run->timed_out = true;
}

static int wait_ms(const struct run *run) {
    int64_t deadline = next_deadline(run);
    if (deadline == NO_DEADLINE) return -1;
    int64_t left = deadline - lived_ms(run);
    return left < 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left;
}

/* A terminal that is drained or that nobody holds tells nothing by itself: it has to be looked at again. */
static int look_again_ms(const struct run *run) {
    if (is_draining(run)) return 0;
    int left = wait_ms(run);
    return run->abandoned && (left < 0 || left > ABANDONED_PAUSE_MS) ? ABANDONED_PAUSE_MS : left;
}

/* ---- the loop ---- */

static void collect_children(struct run *run) {
    struct signalfd_siginfo info;
    while (read(run->signals, &info, sizeof info) > 0) continue;
    run->childless = reap_children(&run->children);
    if (run->children.exited) end_lent(run);
    /* What it takes until somebody hears of it is not the command's time. */
    if (run->children.exited && run->sock < 0 && run->exited_at == 0) run->exited_at = now_ms();
}

static void read_output(struct run *run, const struct pollfd *out, const struct pollfd *err) {
    bool look = is_draining(run) || run->abandoned;
    run->abandoned = false;
    if (run->streams.out >= 0 && (look || out->revents != 0)) forward(run, &run->streams.out, DOWN_STDOUT);
    if (run->streams.err >= 0 && (look || err->revents != 0) && wants_output(run)) {
        forward(run, &run->streams.err, DOWN_STDERR);
    }
}

static void wait_and_serve(struct run *run) {
    bool reading = wants_output(run);
    int wait = reading ? look_again_ms(run) : wait_ms(run);
    struct pollfd fds[] = {
        {run->signals, POLLIN, 0},
        {run->sock, (short)(is_sending(run) ? POLLIN | POLLOUT : POLLIN), 0},
        {is_sending(run) ? -1 : run->streams.status, POLLIN, 0},
        {reading && !run->abandoned ? run->streams.out : -1, POLLIN, 0},
        {reading ? run->streams.err : -1, POLLIN, 0},
        {run->input.used > 0 ? run->input.fd : -1, POLLOUT, 0},
        {run->started ? run->door.listening : -1, POLLIN, 0},
        {run->door.visitor, POLLIN, 0},
    };
    int ready = poll(fds, sizeof fds / sizeof *fds, wait);
    notice_freeze(run, wait);
    if (ready < 0) return;
    if (fds[0].revents != 0) collect_children(run);
    if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) hear_all(run);
    if (fds[1].revents & POLLOUT) flush(run);
    if (fds[5].revents != 0) input_feed(&run->input);
    if (fds[2].revents != 0 && !is_sending(run)) tell_start(run);
    if (reading && wants_output(run)) read_output(run, &fds[3], &fds[4]);
    if (fds[7].revents != 0) change_caller(run);
    if (fds[6].revents != 0) admit_visitor(&run->door);
}

static bool is_over(const struct run *run) {
    bool exited = run->children.exited || run->timed_out; /* what is stuck in the kernel is not waited for */
    return run->started && exited && run->streams.out < 0 && run->streams.err < 0;
}

/* What is due to a caller who is there and to whom nothing else is on its way. */
static void tell_news(struct run *run) {
    if (run->sock < 0 || is_sending(run) || run->said_last) return;
    if (run->started) tell_taken(run);
    if (!is_sending(run) && is_over(run)) tell_exit(run);
}

static noreturn void loop(struct run *run) {
    for (;;) {
        wait_and_serve(run);
        check_deadline(run);
        if (run->hangup_end != 0 && run->childless) _exit(0);
        tell_news(run);
        bool said = run->said_last && !is_sending(run);
        /* A kept command's exit waits until the caller says that it was heard. */
        if (said && run->sock >= 0 && !(is_kept(run) && run->started)) finish(run->sock);
    }
}

static int open_child_signals(void) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool start(struct run *run) {
    if (is_kept(run) && !open_door(&run->door, run->command.id)) return false;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    run->signals = open_child_signals();
    run->children.main = run->signals < 0 ? -1 : spawn_command(&run->command, &run->streams);
    return run->children.main >= 0;
}

noreturn void serve_run(int sock, struct reader *request, int lent) {
    static struct run run; /* static: only what is touched costs memory */
    run.sock = sock;
    run.command.lent = lent;
    run.door = (struct door){-1, -1};
    run.began = run.looked = now_ms();
    if (!read_command(request, &run.command) || (run.command.pty && lent >= 0)) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
        finish(sock);
    }
    if (!start(&run)) {
        send_error(sock, errno, REASON_NONE);
        finish(sock);
    }
    run.output.kept = is_kept(&run);
    run.input.fd = run.streams.in;
    run.input.pty = run.command.pty;
    /* Larger than the default: fewer turns. Not by much: a user's pipes are bounded in sum, and shared. */
    if (run.streams.out >= 0 && !run.command.pty) fcntl(run.streams.out, F_SETPIPE_SZ, OUTPUT_PIPE_BYTES);
    loop(&run);
}
