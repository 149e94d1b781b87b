/* A descriptor that goes over a unix socket, beside some bytes that say what it is for. */
#ifndef TENKI_DESCRIPTOR_H
#define TENKI_DESCRIPTOR_H

#include <stddef.h>
#include <sys/types.h>

/* As sendmsg answers. */
ssize_t send_descriptor(int to, int fd, const void *bytes, size_t size);
/* As recvmsg answers; `fd` is -1 where none came along, and close-on-exec. */
ssize_t receive_descriptor(int from, int *fd, void *bytes, size_t size, int flags);

#endif
