/*
 * The processes below a handler. It is their subreaper: a daemon that forked twice to get away is still
 * its descendant, so "the whole tree" really is all that the command started.
 */
#ifndef TENKI_TREE_H
#define TENKI_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct children {
    pid_t main;
    bool exited;
    int status; /* of the main child, as waitpid gives it */
};

int64_t now_ms(void);

/* Collects whoever ended. True when no child, and so no descendant, is left. */
bool reap_children(struct children *children);
/* To the main child's process group. */
void signal_group(const struct children *children, int number);
/* To every descendant. */
void signal_tree(int number);
/* Ends every descendant, however fast it forks. */
void kill_tree(struct children *children);

#endif
