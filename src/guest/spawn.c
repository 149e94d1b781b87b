#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Both ends of each stream; `theirs` becomes the child's 0, 1, 2. */
struct plumbing {
    struct streams ours;
    int theirs[3];
    int status;
};

static void close_plumbing(struct plumbing *plumbing) {
    int fds[] = {plumbing->ours.in,   plumbing->ours.out,  plumbing->ours.err,  plumbing->ours.status,
                 plumbing->theirs[0], plumbing->theirs[1], plumbing->theirs[2], plumbing->status};
    for (size_t index = 0; index < sizeof fds / sizeof *fds; index++) {
        if (fds[index] >= 0) close(fds[index]);
    }
}

static int open_pipe(int *read_end, int *write_end, int *ours) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

/* Who opens /dev/stdout opens the pipe anew, and has to be allowed to. A command can do without. */
static void give_to_tenki(int pipe_end) {
    if (fchown(pipe_end, TENKI_UID, TENKI_UID) < 0) return;
}

static int open_lent(const struct command *command, struct plumbing *plumbing) {
    plumbing->theirs[0] = fcntl(command->lent, F_DUPFD_CLOEXEC, 0);
    plumbing->theirs[1] = fcntl(command->lent, F_DUPFD_CLOEXEC, 0);
    if (plumbing->theirs[0] < 0 || plumbing->theirs[1] < 0) return -1;
    return open_pipe(&plumbing->ours.err, &plumbing->theirs[2], &plumbing->ours.err);
}

static int open_pipes(const struct command *command, struct plumbing *plumbing) {
    struct streams *ours = &plumbing->ours;
    if (command->lent >= 0) return open_lent(command, plumbing);
    if (command->want_stdin) {
        if (open_pipe(&plumbing->theirs[0], &ours->in, &ours->in) < 0) return -1;
        if (!command->privileged) give_to_tenki(ours->in);
    } else {
        plumbing->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (plumbing->theirs[0] < 0) return -1;
    }
    if (open_pipe(&ours->out, &plumbing->theirs[1], &ours->out) < 0) return -1;
    if (open_pipe(&ours->err, &plumbing->theirs[2], &ours->err) < 0) return -1;
    if (!command->privileged) {
        give_to_tenki(ours->out);
        give_to_tenki(ours->err);
    }
    return 0;
}

static int open_pty(const struct command *command, struct plumbing *plumbing) {
    struct winsize size = {.ws_row = command->rows, .ws_col = command->columns};
    int master = plumbing->ours.out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) return -1;
    if (ioctl(master, TIOCSWINSZ, &size) < 0) return -1;
    /* Rather than its name: no path to look up, whatever is mounted at /dev/pts. */
    int slave = plumbing->theirs[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return -1;
    uid_t owner = command->privileged ? 0 : TENKI_UID;
    if (fchown(slave, owner, (gid_t)-1) < 0) return -1;
    plumbing->theirs[1] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
    plumbing->theirs[2] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
    if (command->want_stdin) plumbing->ours.in = fcntl(master, F_DUPFD_CLOEXEC, 0);
    return plumbing->theirs[1] < 0 || plumbing->theirs[2] < 0 ? -1 : 0;
}

static int become(uid_t id) {
    gid_t group = id;
    if (setgroups(1, &group) < 0 || setgid(group) < 0) return -1;
    return setuid(id);
}

int become_tenki(void) { return become(TENKI_UID); }

static const char *search_path(char **env) {
    for (; *env != NULL; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) return *env + 5;
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

/* As execvpe does it, but a script without an interpreter line is an error and never handed to a shell. */
static int exec_in_path(char **argv, char **env) {
    const char *name = argv[0];
    if (strchr(name, '/') != NULL) {
        execve(name, argv, env);
        return errno;
    }
    int found = ENOENT;
    for (const char *at = search_path(env);;) {
        const char *end = strchrnul(at, ':');
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%.*s%s%s", (int)(end - at), at, end == at ? "" : "/", name);
        if (*name != 0 && size > 0 && (size_t)size < sizeof path) {
            execve(path, argv, env);
            if (errno == EACCES) found = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) return errno;
        }
        if (*end == 0) return found;
        at = end + 1;
    }
}

/* Out of memory, the guest's commands go before the processes that serve it. Raising is always allowed. */
static void offer_to_oom_killer(void) {
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    char text[16] = {0};
    if (read(fd, text, sizeof text - 1) > 0) {
        int score = atoi(text) + 500;
        int size = snprintf(text, sizeof text, "%d", score > 1000 ? 1000 : score);
        if (pwrite(fd, text, (size_t)size, 0) < 0) { /* it stays as it is */ }
    }
    close(fd);
}

static noreturn void give_up(int status, enum spawn_step step, int error) {
    struct spawn_failure failure = {error, step};
    ssize_t written = write(status, &failure, sizeof failure);
    _exit(written == sizeof failure ? 127 : 126);
}

static noreturn void run_child(const struct command *command, const struct plumbing *plumbing) {
    int status = plumbing->status;
    offer_to_oom_killer();
    if (setpriority(PRIO_PROCESS, 0, 0) < 0) { /* it was never raised */ }
    setsid();
    if (command->pty && ioctl(plumbing->theirs[0], TIOCSCTTY, 0) < 0) give_up(status, STEP_SETUP, errno);
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(plumbing->theirs[fd], fd) < 0) give_up(status, STEP_SETUP, errno);
    }
    /* Everything of ours is close-on-exec already; this holds it for what a runtime may have left open. */
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (become(command->privileged ? 0 : TENKI_UID) < 0) give_up(status, STEP_USER, errno);
    if (chdir(command->cwd) < 0) give_up(status, STEP_CHDIR, errno);
    umask(022);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    give_up(status, STEP_EXEC, exec_in_path(command->argv, command->env));
}

pid_t spawn_command(const struct command *command, struct streams *streams) {
    struct plumbing plumbing = {{-1, -1, -1, -1}, {-1, -1, -1}, -1};
    int opened = command->pty ? open_pty(command, &plumbing) : open_pipes(command, &plumbing);
    if (opened == 0) opened = open_pipe(&plumbing.ours.status, &plumbing.status, &plumbing.ours.status);
    pid_t pid = opened < 0 ? -1 : fork();
    if (pid == 0) run_child(command, &plumbing);
    int error = errno;
    *streams = plumbing.ours;
    if (pid > 0) plumbing.ours = (struct streams){-1, -1, -1, -1};
    close_plumbing(&plumbing);
    errno = error;
    return pid;
}
