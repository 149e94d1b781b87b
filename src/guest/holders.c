#include "holders.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

typedef void visit_holder(int process, int pidfd);

/* Through the kernel's own link, which leads to the object itself and by no path. */
static bool leads_to(int directory, const char *link, const struct held_mount *mount) {
    struct statx found;
    return statx(directory, link, 0, STATX_MNT_ID, &found) == 0 && (found.stx_mask & STATX_MNT_ID) != 0 &&
           found.stx_mnt_id == mount->id;
}

static bool has_open(int process, const struct held_mount *mount) {
    int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (list == NULL) {
        if (fd >= 0) close(fd);
        return false;
    }
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(list)) != NULL;) {
        if (isdigit((unsigned char)*entry->d_name)) found = leads_to(fd, entry->d_name, mount);
    }
    closedir(list);
    return found;
}

/* The fourth field of each line; what follows it is the guest's own choice. */
static bool has_mapped(int process, const struct held_mount *mount) {
    int fd = mount->has_own_device ? openat(process, "maps", O_RDONLY | O_CLOEXEC) : -1;
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    if (maps == NULL) return false;
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (!found && getline(&line, &size, maps) > 0) {
        unsigned int major_number, minor_number;
        if (sscanf(line, "%*s %*s %*s %x:%x", &major_number, &minor_number) == 2) {
            found = makedev(major_number, minor_number) == mount->device;
        }
    }
    free(line);
    fclose(maps);
    return found;
}

static bool lives_in(int process, int mount_ns) {
    struct stat its, ours;
    return fstatat(process, "ns/mnt", &its, 0) == 0 && fstat(mount_ns, &ours) == 0 && its.st_dev == ours.st_dev &&
           its.st_ino == ours.st_ino;
}

static bool holds(int process, const struct held_mount *mount) {
    return leads_to(process, "cwd", mount) || leads_to(process, "root", mount) || leads_to(process, "exe", mount) ||
           has_open(process, mount) || has_mapped(process, mount);
}

static int visit_holders(int proc, int mount_ns, const struct held_mount *mount, visit_holder *visit) {
    int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (list == NULL) return 0;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid <= 0 || pid == getpid()) continue;
        /* Held before it is looked at: whoever has the pid later is somebody else. */
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        int process = pidfd < 0 ? -1 : openat(fd, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (process >= 0 && lives_in(process, mount_ns) && holds(process, mount)) {
            visit(process, pidfd);
            count++;
        }
        if (process >= 0) close(process);
        if (pidfd >= 0) close(pidfd);
    }
    closedir(list);
    return count;
}

/* Of its innermost namespace: what `ps` shows inside. */
static pid_t pid_inside(const char *status) {
    const char *line = strstr(status, "\nNSpid:");
    if (line == NULL) return 0;
    const char *end = strchr(line + 1, '\n');
    const char *last = end == NULL ? line + strlen(line) : end;
    while (last > line && isdigit((unsigned char)last[-1])) last--;
    return (pid_t)atoi(last);
}

static bool read_text(int process, const char *name, char *text, size_t size) {
    int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    if (length < 0) return false;
    text[length] = 0;
    return true;
}

static void say_holder(int process, int pidfd) {
    (void)pidfd;
    char status[4096], name[64];
    if (!read_text(process, "status", status, sizeof status) || !read_text(process, "comm", name, sizeof name)) return;
    name[strcspn(name, "\n")] = 0;
    for (char *sign = name; *sign != 0; sign++) {
        if (!isprint((unsigned char)*sign)) *sign = '?';
    }
    printf("%d %s\n", (int)pid_inside(status), name);
}

static void kill_holder(int process, int pidfd) {
    char status[4096];
    if (!read_text(process, "status", status, sizeof status) || pid_inside(status) == 1) return;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

int list_holders(int proc, int mount_ns, const struct held_mount *mount) {
    return visit_holders(proc, mount_ns, mount, say_holder);
}

int kill_holders(int proc, int mount_ns, const struct held_mount *mount) {
    return visit_holders(proc, mount_ns, mount, kill_holder);
}
