#include "differences.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct telling {
    const char *marked_by;
    bool marks;
};

static bool has_mark(const struct telling *telling, const FTSENT *entry, const char *mark) {
    char name[64];
    snprintf(name, sizeof name, "%s.overlay.%s", telling->marked_by, mark);
    char value[4096];
    return lgetxattr(entry->fts_accpath, name, value, sizeof value) > 0 || errno == ERANGE;
}

static void tell(const char *kind, const FTSENT *entry) {
    fputs(kind, stdout);
    fwrite(entry->fts_path, 1, entry->fts_pathlen, stdout);
    putchar(0);
}

static bool is_removed(const FTSENT *entry) {
    return S_ISCHR(entry->fts_statp->st_mode) && entry->fts_statp->st_rdev == makedev(0, 0);
}

static void tell_of(const struct telling *telling, FTS *tree, FTSENT *entry) {
    bool is_directory = entry->fts_info == FTS_D;
    if (is_removed(entry)) {
        if (telling->marks) tell("w", entry);
    } else if (is_directory && has_mark(telling, entry, "redirect")) {
        if (telling->marks) tell("r", entry);
        fts_set(tree, entry, FTS_SKIP);
    } else if (!telling->marks) {
        tell("", entry);
    } else if (is_directory && has_mark(telling, entry, "opaque")) {
        tell("o", entry);
    }
}

int tell_differences(char **arguments) {
    struct telling telling = {arguments[1], strcmp(arguments[2], "marks") == 0};
    char *const top[] = {".", NULL};
    FTS *tree = chdir(arguments[0]) < 0 ? NULL : fts_open(top, FTS_PHYSICAL | FTS_XDEV, NULL);
    FTSENT *entry;
    while (tree != NULL && (errno = 0, entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) {
            errno = entry->fts_errno;
            break;
        }
        if (entry->fts_info != FTS_DP && entry->fts_level > 0) tell_of(&telling, tree, entry);
    }
    if (tree != NULL && errno == 0 && !telling.marks) fwrite(".", 1, 2, stdout);
    if (tree == NULL || errno != 0 || fflush(stdout) != 0) {
        fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
        return 1;
    }
    return 0;
}
