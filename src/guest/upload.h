/* Passes on bytes without frames, past the process that otherwise does, until they end or pause. */
#ifndef TENKI_UPLOAD_H
#define TENKI_UPLOAD_H

#include <stdnoreturn.h>

/* "raw": as they are; "stdin": as the guest's frames, as far as the command is known to take them. */
noreturn void pass_upload(const char *format);

#endif
