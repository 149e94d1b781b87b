#include "descriptor.h"

#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor, as the kernel wants it aligned, which is room for two. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t send_descriptor(int to, int fd, const void *bytes, size_t size) {
    union control control = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    return sendmsg(to, &message, MSG_NOSIGNAL);
}

/* More than one is cut off by the length, and closed by the kernel: nobody would close what nobody asked for. */
ssize_t receive_descriptor(int from, int *fd, void *bytes, size_t size, int flags) {
    union control control = {0};
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof *fd)};
    ssize_t count = recvmsg(from, &message, flags | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = count < 0 ? NULL : CMSG_FIRSTHDR(&message);
    *fd = -1;
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof *fd)) {
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    }
    return count;
}
