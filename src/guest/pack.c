#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differences.h"
#include "tar-entry.h"
#include "walk.h"

enum { COPY_BYTES = 256 * 1024, OUTPUT_BYTES = 64 * 1024 };

struct packing {
    const char *marked_by; /* NULL: all there is */
    void *files;           /* those with several names, by where they were found first */
};

struct file {
    dev_t device;
    ino_t inode;
    struct directory *in;
    char name[];
};

static int compare_files(const void *left, const void *right) {
    const struct file *one = left, *other = right;
    if (one->inode != other->inode) return one->inode < other->inode ? -1 : 1;
    return one->device == other->device ? 0 : one->device < other->device ? -1 : 1;
}

/* The same file where it was found first, which may be here. NULL: no memory. */
static const struct file *first_of(struct packing *packing, const struct found *found) {
    struct file *file = malloc(sizeof *file + strlen(found->name) + 1);
    if (file == NULL) return NULL;
    *file = (struct file){found->stat.st_dev, found->stat.st_ino, found->in};
    strcpy(file->name, found->name);
    struct file **first = tsearch(file, &packing->files, compare_files);
    if (first != NULL && *first == file) hold(file->in);
    else free(file);
    return first == NULL ? NULL : *first;
}

static int copy_content(int fd, off_t size) {
    static char buffer[COPY_BYTES];
    for (off_t left = size; left > 0;) {
        ssize_t count = read(fd, buffer, left < COPY_BYTES ? (size_t)left : COPY_BYTES);
        if (count == 0) errno = EIO; /* it is not as long as it says */
        if (count <= 0) return -1;
        if (fwrite(buffer, 1, (size_t)count, stdout) < (size_t)count) return -1;
        left -= count;
    }
    write_tar_padding(stdout, size);
    return 0;
}

static int pack_regular(const struct found *found, struct tar_entry *entry) {
    entry->fd = openat(found->fd, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (entry->fd < 0) return -1;
    entry->size = found->stat.st_size;
    int result = write_tar_entry(stdout, entry);
    if (result == 0) result = copy_content(entry->fd, entry->size);
    close(entry->fd);
    return result;
}

static int pack_symlink(const struct found *found, struct tar_entry *entry) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(found->fd, found->name, target, sizeof target - 1);
    if (size < 0) return -1;
    target[size] = 0;
    entry->link = target;
    return write_tar_entry(stdout, entry);
}

static int pack_other_name(const struct file *first, struct tar_entry *entry) {
    char *path = path_of(first->in, first->name);
    if (path == NULL) return -1;
    entry->type = '1';
    entry->link = path;
    int result = write_tar_entry(stdout, entry);
    free(path);
    return result;
}

static char type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return '0';
    case S_IFLNK: return '2';
    case S_IFCHR: return '3';
    case S_IFBLK: return '4';
    case S_IFDIR: return '5';
    case S_IFIFO: return '6';
    default: return 0; /* a socket: whoever listened is not in the tar either */
    }
}

static int pack_directory(int fd, const char *path, const struct stat *stat) {
    struct tar_entry entry = {.type = '5', .path = path, .link = "", .stat = stat, .fd = fd};
    return write_tar_entry(stdout, &entry);
}

static int pack_file(struct packing *packing, const struct found *found, const char *path) {
    struct tar_entry entry = {
        .type = type_of(found->stat.st_mode), .path = path, .link = "", .stat = &found->stat, .fd = -1};
    if (entry.type == 0) return 0;
    if (found->stat.st_nlink > 1) {
        const struct file *first = first_of(packing, found);
        if (first == NULL) return -1;
        if (first->in != found->in || strcmp(first->name, found->name) != 0) return pack_other_name(first, &entry);
    }
    if (entry.type == '0') return pack_regular(found, &entry);
    return entry.type == '2' ? pack_symlink(found, &entry) : write_tar_entry(stdout, &entry);
}

static char *path_of_directory(const struct found *found) {
    char *path = path_of(found->in, found->name), *slashed = NULL;
    if (path != NULL && asprintf(&slashed, "%s/", path) < 0) slashed = NULL;
    free(path);
    return slashed;
}

static int pack_found(void *context, const struct found *found) {
    struct packing *packing = context;
    if (packing->marked_by != NULL && is_marked_away(found, packing->marked_by)) return 0;
    bool is_directory = S_ISDIR(found->stat.st_mode);
    char *path = is_directory ? path_of_directory(found) : path_of(found->in, found->name);
    if (path == NULL) return -1;
    int result = is_directory ? pack_directory(found->fd, path, &found->stat) : pack_file(packing, found, path);
    int error = errno;
    free(path);
    errno = error;
    return result < 0 ? -1 : 1;
}

/* `name`: of the directory in the tar, with a slash behind it; "": the tar's own. Closes `fd`. */
static int pack_tree(struct packing *packing, int fd, char *name) {
    struct stat stat;
    if (fstat(fd, &stat) < 0 || pack_directory(fd, name[0] == 0 ? "./" : name, &stat) < 0) return -1;
    if (name[0] != 0) name[strlen(name) - 1] = 0;
    return walk(fd, name, pack_found, packing);
}

/* Part by part, into no link: a guest has chosen the names. */
static int open_below(const char *top, const char *path) {
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && *path != 0) {
        char part[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        int below = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(fd);
        fd = below;
        path += length + (path[length] == '/');
    }
    return fd;
}

static int pack_named(struct packing *packing, const char *top, const char *prefix) {
    char *path = NULL, *name;
    size_t capacity = 0;
    while (getdelim(&path, &capacity, 0, stdin) > 0) {
        int fd = open_below(top, path);
        if (fd < 0 || asprintf(&name, "%s%s/", prefix, path + strlen("./")) < 0) return -1;
        if (pack_tree(packing, fd, name) < 0) return -1;
        free(name);
    }
    free(path);
    return ferror(stdin) ? -1 : 0;
}

int pack(char **arguments) {
    const char *top = arguments[0], *prefix = arguments[1];
    struct packing packing = {0};
    setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
    int result;
    if (strcmp(arguments[2], "below") == 0) {
        result = pack_named(&packing, top, prefix);
    } else {
        packing.marked_by = arguments[2];
        char *name = strdup(prefix);
        int fd = open_below(top, "");
        result = fd < 0 || name == NULL ? -1 : pack_tree(&packing, fd, name);
    }
    if (result == 0 && fflush(stdout) == 0) return 0;
    fprintf(stderr, "%s: %s\n", top, strerror(errno));
    return 1;
}
