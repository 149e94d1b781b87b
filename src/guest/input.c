#include "input.h"

#include <errno.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

enum { REPORT_STEP = STDIN_WINDOW / 16 };

uint8_t *input_room(struct input *input, uint32_t *size) {
    uint32_t tail = (input->head + input->used) % STDIN_WINDOW;
    uint32_t room = STDIN_WINDOW - input->used;
    uint32_t to_end = STDIN_WINDOW - tail;
    *size = room < to_end ? room : to_end;
    return input->ring + tail;
}

static void drop(struct input *input, uint32_t size) {
    input->head = (input->head + size) % STDIN_WINDOW;
    input->used -= size;
    input->taken += size;
    if (input->used == 0) input->head = 0; /* so that only as much is touched as there ever was */
}

/*
 * A terminal has no end of file, only a key for it: it hands out what was typed of a line, and means the
 * end only at the beginning of one.
 */
static void type_end_of_file(const struct input *input) {
    struct termios settings;
    if (tcgetattr(input->fd, &settings) < 0) return;
    char keys[2] = {(char)settings.c_cc[VEOF], (char)settings.c_cc[VEOF]};
    bool twice = input->line_begun && (settings.c_lflag & ICANON) != 0;
    if (write(input->fd, keys, twice ? 2 : 1) < 0) return; /* hung up: that is an end, too */
}

static void close_now(struct input *input) {
    if (input->fd >= 0) close(input->fd);
    input->fd = -1;
    drop(input, input->used);
}

void input_added(struct input *input, uint32_t size) {
    input->used += size;
    input->received += size;
    if (input->fd < 0) drop(input, size);
}

void input_feed(struct input *input) {
    while (input->fd >= 0 && input->used > 0) {
        uint32_t to_end = STDIN_WINDOW - input->head;
        uint32_t first = input->used < to_end ? input->used : to_end;
        struct iovec parts[2] = {{input->ring + input->head, first}, {input->ring, input->used - first}};
        ssize_t written = writev(input->fd, parts, 2);
        if (written > 0) {
            uint32_t last = (input->head + (uint32_t)written - 1) % STDIN_WINDOW;
            input->line_begun = input->ring[last] != '\n';
            drop(input, (uint32_t)written);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            close_now(input); /* nobody reads it any more */
        }
    }
    if (!input->closing || input->fd < 0) return;
    if (input->pty) type_end_of_file(input);
    close_now(input);
}

void input_close(struct input *input) {
    input->closing = true;
    input_feed(input);
}

uint32_t input_report(struct input *input) {
    uint32_t taken = input->taken;
    if (taken < REPORT_STEP && input->used > 0) return 0;
    input->taken = 0;
    return taken;
}

uint32_t input_open_window(struct input *input) {
    input->taken = 0;
    return STDIN_WINDOW - input->used;
}
