/* Passes a command's output on, past the process that otherwise does, for as long as nothing else comes. */
#ifndef TENKI_PASS_H
#define TENKI_PASS_H

#include <stdnoreturn.h>

/* `format`: "guest", whose frames become the lane's, or "lane", whose contents are handed out. */
noreturn void pass_output(const char *format);

#endif
