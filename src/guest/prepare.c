#include "prepare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SKELETON "/etc/skel"

static int make_parents(const char *path) {
    char partial[PATH_MAX];
    if (strlen(path) >= sizeof partial) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(partial, path);
    for (char *slash = partial; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = 0;
        if (mkdir(partial, 0755) < 0 && errno != EEXIST) return -1;
    }
    return 0;
}

static int write_file(const char *path, uint32_t how, const uint8_t *content, size_t size) {
    if (make_parents(path) < 0) return -1;
    /* An image's resolv.conf is often a link to nowhere. What cannot be unlinked is a mount. */
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    int result = how & PREPARE_USER_OWNS ? fchown(fd, TENKI_UID, TENKI_UID) : 0;
    if (result == 0) result = fchmod(fd, how & 07777);
    for (size_t done = 0; result == 0 && done < size;) {
        ssize_t count = write(fd, content + done, size - done);
        if (count >= 0) done += (size_t)count;
        else if (errno != EINTR) result = -1;
    }
    return close(fd) < 0 ? -1 : result;
}

/* A reader sees the old file or the new one. */
static int replace_file(const char *path, uint32_t how, const uint8_t *content, size_t size) {
    char draft[PATH_MAX];
    if (snprintf(draft, sizeof draft, "%s.%d", path, (int)getpid()) >= (int)sizeof draft) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (write_file(draft, how, content, size) == 0 && rename(draft, path) == 0) return 0;
    int error = errno;
    unlink(draft);
    errno = error;
    return -1;
}

static bool is_empty(int directory) {
    DIR *list = fdopendir(dup(directory));
    if (list == NULL) return false;
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(list)) != NULL;) {
        /* A volume that is the home directory brings its file system's own. */
        const char *name = entry->d_name;
        empty = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
    }
    closedir(list);
    return empty;
}

/* A profile that is missing is no reason not to start. */
static void copy_profile(int skeleton, int home, const char *name) {
    int from = openat(skeleton, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to = from < 0 ? -1 : openat(home, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to >= 0 && fchown(to, TENKI_UID, TENKI_UID) == 0) {
        while (sendfile(to, from, NULL, CHUNK_BYTES) > 0) continue;
    }
    if (to >= 0) close(to);
    if (from >= 0) close(from);
}

static int make_home(void) {
    if (make_parents(HOME "/") < 0) return -1;
    int home = open(HOME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home < 0) return -1;
    int result = fchown(home, TENKI_UID, TENKI_UID) < 0 ? -1 : fchmod(home, 0755);
    int skeleton = open(SKELETON, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (result == 0 && skeleton >= 0 && is_empty(home)) {
        copy_profile(skeleton, home, ".bashrc");
        copy_profile(skeleton, home, ".profile");
    }
    if (skeleton >= 0) close(skeleton);
    close(home);
    return result;
}

typedef int write_one(const char *path, uint32_t how, const uint8_t *content, size_t size);

static int write_all(struct reader *request, write_one *write_one) {
    uint32_t count = get_u32(request);
    for (uint32_t index = 0; index < count && !request->bad; index++) {
        const char *path = get_string(request);
        uint32_t how = get_u32(request);
        uint32_t size;
        const uint8_t *content = get_bytes(request, &size);
        if (!request->bad && write_one(path, how, content, size) < 0) return -1;
    }
    return 0;
}

static void answer(int sock, int result, struct reader *request) {
    static struct message message;
    if (result < 0) {
        send_error(sock, errno, REASON_NONE);
    } else if (!reader_done(request)) {
        send_error(sock, EINVAL, REASON_BAD_REQUEST);
    } else {
        message_begin(&message, DOWN_DONE);
        put_u64(&message, 0);
        send_message(sock, &message);
    }
}

void serve_prepare(int sock, struct reader *request) {
    int result = write_all(request, write_file);
    answer(sock, result < 0 ? result : make_home(), request);
}

void serve_place(int sock, struct reader *request) { answer(sock, write_all(request, replace_file), request); }
