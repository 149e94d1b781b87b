/* On the host: connects to ports inside sandboxes, and hands the sockets to the engine. */
#ifndef TENKI_REACH_H
#define TENKI_REACH_H

/* At most so many questions at one time: who asks then is told EAGAIN. */
int serve_reach(int processes_max);

#endif
