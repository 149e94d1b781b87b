/* One frame at a time; while it is on its way nothing more is read from the command. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run-state.h"

/* A frame of its own goes before what is left of the output: that is between frames then. */
static size_t get_unsent(struct run *run, const uint8_t **bytes) {
    *bytes = run->message.bytes + run->sent;
    if (run->sent < run->size) return run->size - run->sent;
    return output_unsent(&run->output, bytes);
}

bool is_sending(const struct run *run) {
    return run->sock >= 0 && (run->sent < run->size || !output_is_sent(&run->output));
}

void flush(struct run *run) {
    const uint8_t *bytes;
    for (size_t size; run->sock >= 0 && (size = get_unsent(run, &bytes)) > 0;) {
        ssize_t count = send(run->sock, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0 && run->sent < run->size) {
            run->sent += (size_t)count;
        } else if (count >= 0) {
            output_sent(&run->output, (size_t)count);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            hear_all(run); /* it may have said good-bye */
            if (run->sock >= 0) lose_caller(run);
        }
    }
}

static void send_now(struct run *run) {
    run->sent = 0;
    run->size = message_seal(&run->message);
    flush(run);
}

void tell_start(struct run *run) {
    struct spawn_failure failure;
    ssize_t count = read(run->streams.status, &failure, sizeof failure);
    if (count < 0) return;
    close(run->streams.status);
    run->streams.status = -1;
    if (count == sizeof failure) {
        if (run->sock < 0) _exit(0);
        message_begin(&run->message, DOWN_SPAWN_FAILED);
        put_u32(&run->message, (uint32_t)failure.error);
        put_u8(&run->message, (uint8_t)failure.step);
        run->said_last = true;
    } else {
        message_begin(&run->message, DOWN_STARTED);
        put_u32(&run->message, (uint32_t)run->children.main);
        put_u32(&run->message, STDIN_WINDOW);
        run->started = true;
    }
    if (run->sock >= 0) send_now(run);
}

void tell_attached(struct run *run, const struct frame_rest *rest) {
    message_begin(&run->message, DOWN_ATTACHED);
    put_u32(&run->message, (uint32_t)run->children.main);
    put_u32(&run->message, input_open_window(&run->input));
    put_u64(&run->message, run->input.received);
    run->sent = 0;
    run->size = message_seal(&run->message);
    if (rest->length > 0) {
        for (int shift = 0; shift < 32; shift += 8) run->message.bytes[run->size++] = (uint8_t)(rest->length >> shift);
        run->message.bytes[run->size++] = rest->type;
    }
    flush(run);
}

void tell_taken(struct run *run) {
    uint32_t taken = input_report(&run->input);
    if (taken == 0) return;
    message_begin(&run->message, DOWN_STDIN_TAKEN);
    put_u32(&run->message, taken);
    send_now(run);
}

void tell_exit(struct run *run) {
    if (run->over_at == 0) run->over_at = run->exited_at != 0 ? run->exited_at : now_ms();
    int status = run->children.exited ? run->children.status : SIGKILL;
    message_begin(&run->message, DOWN_EXIT);
    put_u32(&run->message, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0);
    put_u32(&run->message, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
    put_u8(&run->message, run->timed_out);
    put_u64(&run->message, (uint64_t)(run->over_at - run->began));
    run->said_last = true;
    send_now(run);
}
