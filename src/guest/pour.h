/* Moving bytes from a socket to another descriptor by reference, through a pipe that nobody else has. */
#ifndef TENKI_POUR_H
#define TENKI_POUR_H

#include <stdbool.h>
#include <stdint.h>

struct pour {
    int from;
    int pipe[2];
    uint32_t held;  /* what lies in the pipe */
    bool by_copy;   /* the present target takes no pages: a terminal, a file that is appended to */
};

enum poured { POURED, SOURCE_ENDED, TARGET_CLOSED, POUR_FAILED };

bool open_pour(struct pour *pour, int from);

/* All of `left`, which counts down as it arrives; `passed` counts up. Waits for either side as long as it takes. */
enum poured pour(struct pour *pour, int to, uint32_t *left, uint64_t *passed);

/* Takes what is there by now, or comes next, up to `most`: it is held until `pour_held`. */
enum poured pour_in(struct pour *pour, uint32_t most);
enum poured pour_held(struct pour *pour, int to, uint64_t *passed);

/* Until `fd` can be read or written; false where that takes longer than `timeout_ms`, -1 = for ever. */
bool wait_for(int fd, short events, int timeout_ms);

#endif
