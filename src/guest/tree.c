#include "tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    KILL_PATIENCE_MS = 15000, /* a process stuck in the kernel is left to pid 1 */
    STOP_PASSES_MAX = 1000,
    REAP_PAUSE_MS = 20,
};

struct process {
    pid_t pid, parent, group;
    bool below; /* a descendant of this process */
};

struct table {
    struct process *rows; /* by ascending pid: /proc is read in that order */
    size_t count, capacity;
};

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_process(const char *name, struct process *process) {
    char path[32], stat[512];
    snprintf(path, sizeof path, "/proc/%.10s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t size = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (size <= 0) return false;
    stat[size] = 0;
    /* The name in parentheses is the process's own choice and may hold anything, parentheses too. */
    char *after = strrchr(stat, ')');
    int parent, group;
    if (after == NULL || sscanf(after + 1, " %*c %d %d", &parent, &group) != 2) return false;
    *process = (struct process){atoi(name), parent, group, false};
    return true;
}

static bool make_room(struct table *table) {
    if (table->count < table->capacity) return true;
    size_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
    struct process *rows = realloc(table->rows, capacity * sizeof *rows);
    if (rows == NULL) return false; /* goes on with what fits: the caller asks again */
    table->rows = rows;
    table->capacity = capacity;
    return true;
}

static struct process *find(const struct table *table, pid_t pid) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->rows[middle].pid < pid) low = middle + 1;
        else high = middle;
    }
    return low < table->count && table->rows[low].pid == pid ? &table->rows[low] : NULL;
}

/* Parents mostly have the lower pid, so that one pass does it and a second finds nothing to add. */
static void mark_descendants(struct table *table) {
    pid_t self = getpid();
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t index = 0; index < table->count; index++) {
            struct process *row = &table->rows[index];
            if (row->below) continue;
            const struct process *parent = find(table, row->parent);
            row->below = row->parent == self || (parent != NULL && parent->below);
            changed |= row->below;
        }
    }
}

static void scan(struct table *table) {
    table->count = 0;
    DIR *proc = opendir("/proc");
    if (proc == NULL) return;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !make_room(table)) continue;
        if (read_process(entry->d_name, &table->rows[table->count])) table->count++;
    }
    closedir(proc);
    mark_descendants(table);
}

static void signal_rows(const struct table *table, int number, pid_t group) {
    for (size_t index = 0; index < table->count; index++) {
        const struct process *row = &table->rows[index];
        if (row->below && (group == 0 || row->group == group)) kill(row->pid, number);
    }
}

bool reap_children(struct children *children) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return pid < 0 && errno == ECHILD;
        if (pid != children->main) continue;
        children->exited = true;
        children->status = status;
    }
}

void signal_group(const struct children *children, int number) {
    if (!children->exited) {
        /* No such group: the child has not come to setsid yet. */
        if (kill(-children->main, number) < 0) kill(children->main, number);
        return;
    }
    /* Its pid may be somebody else's by now; what is below us and still in the group is surely meant. */
    struct table table = {0};
    scan(&table);
    signal_rows(&table, number, children->main);
    free(table.rows);
}

void signal_tree(int number) {
    struct table table = {0};
    scan(&table);
    signal_rows(&table, number, 0);
    free(table.rows);
}

static bool has_new(const struct table *now, const struct table *before) {
    for (size_t index = 0; index < now->count; index++) {
        if (now->rows[index].below && find(before, now->rows[index].pid) == NULL) return true;
    }
    return false;
}

/* What is stopped cannot fork: once a pass finds nobody new, nobody is left to get away. */
static void stop_tree(void) {
    struct table now = {0}, before = {0};
    for (int pass = 0; pass < STOP_PASSES_MAX; pass++) {
        scan(&now);
        signal_rows(&now, SIGSTOP, 0);
        if (!has_new(&now, &before)) break;
        struct table swap = before;
        before = now;
        now = swap;
    }
    free(now.rows);
    free(before.rows);
}

void kill_tree(struct children *children) {
    const struct timespec pause = {0, REAP_PAUSE_MS * 1000000};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    /* In rounds, because a fork under way while its parent was stopped shows up only afterwards. */
    for (int64_t end = now_ms() + KILL_PATIENCE_MS; !reap_children(children) && now_ms() < end;) {
        stop_tree();
        signal_tree(SIGKILL);
        while (!reap_children(children) && sigtimedwait(&child, NULL, &pause) > 0) continue;
    }
}
