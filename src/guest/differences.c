#include "differences.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static bool has_mark(const struct found *found, const char *marked_by, const char *mark) {
    if (!S_ISDIR(found->stat.st_mode)) return false;
    char name[64], value[4096];
    snprintf(name, sizeof name, "%s.overlay.%s", marked_by, mark);
    ssize_t size = fgetxattr(found->fd, name, value, sizeof value);
    return size > 0 || (size < 0 && errno == ERANGE);
}

static bool is_removed(const struct found *found) {
    return S_ISCHR(found->stat.st_mode) && found->stat.st_rdev == makedev(0, 0);
}

bool is_marked_away(const struct found *found, const char *marked_by) {
    return is_removed(found) || has_mark(found, marked_by, "redirect");
}

static int tell_mark(void *context, const struct found *found) {
    const char *marked_by = context;
    bool is_away = is_marked_away(found, marked_by);
    if (!is_away && !has_mark(found, marked_by, "opaque")) return 1;
    char *path = path_of(found->in, found->name);
    if (path == NULL) return -1;
    putchar(!is_away ? 'o' : is_removed(found) ? 'w' : 'r');
    fwrite(path, 1, strlen(path) + 1, stdout);
    free(path);
    return !is_away;
}

int tell_differences(char **arguments) {
    int fd = open(arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && walk(fd, ".", tell_mark, arguments[1]) == 0 && fflush(stdout) == 0) return 0;
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
    return 1;
}
