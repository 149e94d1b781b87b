#include <stdlib.h>

#include "spawn.h"

/* NULL-terminated, as exec wants it. */
static char **get_list(struct reader *request) {
    uint32_t count = get_u32(request);
    if (count > REQUEST_MAX / HEADER_BYTES) request->bad = true;
    char **list = request->bad ? NULL : calloc(count + 1, sizeof *list);
    if (list == NULL) request->bad = true;
    for (uint32_t index = 0; !request->bad && index < count; index++) list[index] = get_string(request);
    return list;
}

bool read_command(struct reader *request, struct command *command) {
    uint8_t flags = get_u8(request);
    command->privileged = flags & RUN_PRIVILEGED;
    command->pty = flags & RUN_PTY;
    command->want_stdin = flags & RUN_STDIN;
    command->let_go = flags & RUN_LET_GO;
    command->rows = (uint16_t)get_u32(request);
    command->columns = (uint16_t)get_u32(request);
    command->timeout_ms = get_u32(request);
    command->id = get_string(request);
    command->linger_ms = get_u32(request);
    command->cwd = get_string(request);
    command->argv = get_list(request);
    command->env = get_list(request);
    return reader_done(request) && command->argv[0] != NULL;
}
