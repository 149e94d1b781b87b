#include "tar-attributes.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_kept(const char *name) {
    if (strcmp(name, "security.capability") == 0) return true;
    return begins_with(name, "user.") && !begins_with(name, "user.overlay.");
}

/* GNU tar's way with what would end the key. */
static void make_key(char *key, const char *name) {
    key = stpcpy(key, "SCHILY.xattr.");
    for (; *name != 0; name++) {
        if (*name == '%') key = stpcpy(key, "%25");
        else if (*name == '=') key = stpcpy(key, "%3D");
        else *key++ = *name;
    }
    *key = 0;
}

int write_tar_attributes(FILE *records, int fd) {
    static char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
    ssize_t listed = flistxattr(fd, names, sizeof names);
    if (listed < 0) return errno == ENOTSUP ? 0 : -1;
    for (const char *name = names; name < names + listed; name += strlen(name) + 1) {
        if (!is_kept(name)) continue;
        ssize_t size = fgetxattr(fd, name, value, sizeof value);
        if (size < 0) return -1;
        char key[3 * XATTR_NAME_MAX + 16];
        make_key(key, name);
        write_tar_record(records, key, value, (size_t)size);
    }
    return 0;
}
