/* On the host: connects to ports inside sandboxes, and hands the sockets to the engine. */
#ifndef TENKI_REACH_H
#define TENKI_REACH_H

int serve_reach(void);

#endif
