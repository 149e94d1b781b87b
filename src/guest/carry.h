#ifndef TENKI_CARRY_H
#define TENKI_CARRY_H

#include <stdnoreturn.h>

/*
 * Carries bytes both ways between the caller's connection and one inside, until both ways are over, and exits.
 * Either may stop sending first. A reset inside closes the caller's connection altogether, as an end that was
 * meant does not; a caller who is gone before the end is a reset inside.
 */
noreturn void carry(int caller, int inside);

#endif
