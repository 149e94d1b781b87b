/*
 * The shortest way for ssh: what the command line has kept of the last login opens the engine's lane once more, and this
 * process and its children carry the connection. Where it does not, nothing of what ssh says was read, and this process
 * becomes the command line.
 */
#ifndef TENKI_KNOCK_H
#define TENKI_KNOCK_H

#include <stdnoreturn.h>

/* `words`: how the command line is called. */
noreturn void knock(char **words);

#endif
