#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol.h"

/*
 * Binds by the directory's descriptor: a socket's address holds 107 bytes, and a path to a data
 * directory may be longer.
 */
static int bind_at(int sock, const char *path) {
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", fd, name);
    if (size < 0 || (size_t)size >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    /* The directory is the engine's own; a socket left there is from an engine that was killed. */
    if (unlinkat(fd, name, 0) < 0 && errno != ENOENT) return -1;
    mode_t before = umask(0177);
    int bound = bind(sock, (struct sockaddr *)&address, sizeof address);
    umask(before);
    close(fd);
    return bound;
}

enum { SERVING_PRIORITY = -20 };

int listen_and_exec(const char *path, char **argv) {
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || bind_at(sock, path) < 0 || listen(sock, SOMAXCONN) < 0) {
        fprintf(stderr, "tenki-guest: cannot listen at %s: %s\n", path, strerror(errno));
        return 1;
    }
    /* dup2 onto itself would keep close-on-exec. */
    int kept = sock == LISTEN_FD ? fcntl(sock, F_SETFD, 0) : dup2(sock, LISTEN_FD);
    if (kept < 0) {
        fprintf(stderr, "tenki-guest: cannot keep the socket: %s\n", strerror(errno));
        return 1;
    }
    /*
     * Inherited by pid 1 and all that serves the engine inside, and given up by the guest's commands: what
     * is to end a fork bomb has to get its turn among thousands. Only root may; without it nothing is lost
     * but time.
     */
    if (setpriority(PRIO_PROCESS, 0, SERVING_PRIORITY) < 0) errno = 0;
    execvp(argv[0], argv);
    fprintf(stderr, "tenki-guest: cannot run %s: %s\n", argv[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}
