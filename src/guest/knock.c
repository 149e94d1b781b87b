#include "knock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"
#include "ssh-pass.h"
#include "wire.h"

enum { ANSWER_SECONDS = 15, CONNECT_SECONDS = 1 };
enum { HEAD_BYTES = 16 << 10, LANE_HEADER_BYTES = 5, WORD_BYTES = 4 << 10 };
enum { LAST_WORDS_MS = 1000 }; /* of a refused login the engine may hear later than ssh */
enum { TELLING_MS = 10000 };
enum lane_kind { LANE_MESSAGE = 0, LANE_END = 3 };

static struct ssh_pass pass;
static char **tenki;
static sigset_t mask_before;

/* ---- the way in ---- */

static void set_timeout(int fd, int option, int seconds) {
    struct timeval time = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

/* Nobody but this user or root can have made it, or connect to it. */
static bool is_engines(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
           (info.st_uid == geteuid() || info.st_uid == 0);
}

static bool send_all(int fd, const char *text) {
    size_t size = strlen(text);
    ssize_t count = send(fd, text, size, MSG_NOSIGNAL);
    return count >= 0 && (size_t)count == size; /* a socket that is new has room for it */
}

/* Byte by byte: what stands behind it is for somebody else to read. */
static bool is_let_in(int lane) {
    static const char changed[] = "HTTP/1.1 101 ", end[] = "\r\n\r\n";
    static char head[HEAD_BYTES];
    size_t size = 0, matched = 0;
    while (matched < strlen(end)) {
        if (size == sizeof head || recv(lane, head + size, 1, 0) != 1) return false;
        matched = head[size] == end[matched] ? matched + 1 : head[size] == end[0];
        size++;
    }
    return memcmp(head, changed, strlen(changed)) == 0;
}

static int enter(void) {
    if (!is_engines(pass.at.sun_path)) return -1;
    int lane = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (lane < 0) return -1;
    set_timeout(lane, SO_SNDTIMEO, CONNECT_SECONDS);
    set_timeout(lane, SO_RCVTIMEO, ANSWER_SECONDS);
    bool is_open = connect(lane, (struct sockaddr *)&pass.at, sizeof pass.at) == 0 && send_all(lane, pass.request) &&
                   is_let_in(lane);
    if (is_open) return lane;
    close(lane);
    return -1;
}

/* ---- what the engine says beside the connection ---- */

static noreturn void become_tenki(char **words) {
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    execvp(words[0], words);
    fprintf(stderr, "error: %s cannot be run: %s\n", words[0], strerror(errno));
    _exit(1);
}

/* How it ended, where that was not how it should. */
static noreturn void tell_end(const char *said) {
    size_t count = 0;
    while (tenki[count] != NULL) count++;
    char *words[count + 3];
    memcpy(words, tenki, count * sizeof *words);
    words[count] = "--ended";
    words[count + 1] = (char *)said;
    words[count + 2] = NULL;
    kill(getppid(), SIGUSR1);
    become_tenki(words);
}

/* What was kept to be said of a reason; its certificate may have to be another one for whoever comes next. */
static void tell_refusal(const char *reason, size_t size) {
    static const struct timespec long_ago[2] = {{.tv_nsec = UTIME_NOW}, {0}};
    for (const char *line = pass.refusals; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, reason, size) != 0 || line[size] != '\t') continue;
        const char *what = line + size + 1;
        if (strncmp(what, "renew\t", strlen("renew\t")) == 0) utimensat(AT_FDCWD, pass.certificate, long_ago, 0);
        const char *text = what + strcspn(what, "\t\n");
        char told[PASS_BYTES];
        size_t told_size = strcspn(text, "\n");
        for (size_t index = 0; index < told_size; index++) told[index] = text[index] == '\t' ? '\n' : text[index];
        told[told_size] = '\n';
        if (told_size > 1 && write(STDERR_FILENO, told + 1, told_size) < 0) return; /* nobody reads it */
        return;
    }
}

static void hear_message(const char *said) {
    static const char begin[] = "{\"login_refused\":\"";
    if (strncmp(said, begin, strlen(begin)) != 0) return;
    const char *reason = said + strlen(begin);
    size_t size = strcspn(reason, "\"");
    if (strcmp(reason + size, "\"}") == 0) tell_refusal(reason, size);
}

static bool receive_all(int fd, void *bytes, size_t size) {
    return size == 0 || recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static noreturn void hear(int lane) {
    static const char as_it_should[] = "{\"code\":1000,";
    for (;;) {
        uint8_t header[LANE_HEADER_BYTES];
        static char said[WORD_BYTES];
        if (!receive_all(lane, header, sizeof header)) tell_end("");
        struct frame frame = read_lane_header(header);
        if (frame.left >= sizeof said || !receive_all(lane, said, frame.left)) tell_end("");
        said[frame.left] = '\0';
        if (frame.kind == LANE_MESSAGE) hear_message(said);
        if (frame.kind == LANE_END && strncmp(said, as_it_should, strlen(as_it_should)) == 0) _exit(0);
        if (frame.kind == LANE_END) tell_end(said);
    }
}

/* ---- the connection ---- */

static noreturn void bring_down(int wire) {
    _exit(pour_all(wire, STDOUT_FILENO) == POUR_FAILED ? 1 : 0);
}

static noreturn void fail(void) {
    fprintf(stderr, "error: the ssh connection could not be carried: %s\n", strerror(errno));
    exit(1);
}

/* `work` does not return. */
static pid_t start(void (*work)(int), int fd, int unused) {
    pid_t self = getpid(), child = fork();
    if (child < 0) fail();
    if (child > 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(1);
    close(unused);
    work(fd);
    _exit(1);
}

static noreturn void say_up(int wire) { say_for_ssh(STDIN_FILENO, wire); }

struct carriers {
    pid_t up, down, hearer;
    bool is_over; /* the connection is */
    bool is_told; /* how it ended */
    int code;
};

static void take_ends(struct carriers *carriers) {
    int status;
    for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        bool has_told = child == carriers->hearer && WIFEXITED(status);
        if (child == carriers->hearer) carriers->is_told = true;
        if (code != 0 && carriers->code == 0 && !has_told)
            fputs("error: the ssh connection could not be carried\n", stderr);
        if (child == carriers->down || code != 0) carriers->is_over = true;
        if (code != 0 && carriers->code == 0) carriers->code = code;
    }
}

static void hear_signal(int signals, struct carriers *carriers, int *patience_ms) {
    struct signalfd_siginfo heard;
    if (read(signals, &heard, sizeof heard) != sizeof heard) return;
    if (heard.ssi_signo == SIGCHLD) take_ends(carriers);
    else if (heard.ssi_signo == SIGUSR1) *patience_ms = TELLING_MS;
    else carriers->is_over = true;
}

/*
 * Until the connection is over and it is told how it ended, which may be known later than ssh has gone. Its going is
 * seen here, too: who passes on what it said sees nothing while the server takes no more.
 */
static int see_to_end(struct carriers *carriers, int signals) {
    int patience_ms = LAST_WORDS_MS;
    while (!carriers->is_over || !carriers->is_told) {
        struct pollfd seen[] = {{signals, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
        int ready = poll(seen, carriers->is_over ? 1 : 2, carriers->is_over ? patience_ms : -1);
        if (ready == 0) break;
        if (ready > 0 && seen[1].revents != 0) carriers->is_over = true;
        if (ready > 0 && seen[0].revents != 0) hear_signal(signals, carriers, &patience_ms);
    }
    return carriers->code;
}

static bool is_ignored(int name) {
    struct sigaction action;
    return sigaction(name, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Not SIGINT: it is a terminal's for all of its programs, and sftp's ssh goes on. Nor what ssh was told to live through. */
static int await_signals(void) {
    sigset_t all, awaited;
    signal(SIGCHLD, SIG_DFL); /* ignored, it would never come */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGUSR1);
    if (!is_ignored(SIGHUP)) sigaddset(&awaited, SIGHUP);
    if (!is_ignored(SIGTERM)) sigaddset(&awaited, SIGTERM);
    int signals = signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) fail();
    return signals;
}

static noreturn void carry_knocked(int lane, int wire) {
    int signals = await_signals();
    keep_to_itself();
    struct carriers carriers = {0};
    set_timeout(lane, SO_RCVTIMEO, 0);
    carriers.down = start(bring_down, wire, STDIN_FILENO);
    carriers.up = start(say_up, wire, STDOUT_FILENO);
    /* The server hears of ssh's end when nobody else has its socket; ssh of the server's when it is told here why. */
    close(wire);
    close(STDIN_FILENO);
    carriers.hearer = start(hear, lane, STDOUT_FILENO);
    exit(see_to_end(&carriers, signals));
}

/* Else a socket of ours would take such a one's number, and its part. */
static bool has_standard_streams(void) {
    return fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
           fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

noreturn void knock(char **words) {
    int lane = -1, wire = -1;
    tenki = words;
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
    if (has_standard_streams() && find_ssh_pass(words, &pass)) lane = enter();
    if (lane >= 0 && take_wire(lane, &wire) == POURED && wire >= 0) carry_knocked(lane, wire);
    if (lane >= 0) close(lane);
    become_tenki(words);
}
