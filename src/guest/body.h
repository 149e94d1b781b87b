/* On the host: passes on the body of an answer, by HTTP/1.1's own framing. */
#ifndef TENKI_BODY_H
#define TENKI_BODY_H

#include <stdnoreturn.h>

noreturn void pass_body(void);

#endif
