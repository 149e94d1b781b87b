/*
 * Tries what a sandbox must not get, and says how each attempt ended: `ok` or the errno's name. On x86-64,
 * 32-bit calls are made as well, by their own gate (int 0x80), as any 64-bit program may.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NEW_USER = 0x10000000, AF_VSOCK_ = 40, AF_ALG_ = 38 };

static void say(const char *name, long result) {
    printf("%s: %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
}

#ifdef __x86_64__
static int call32(int number, int first, int second, int third) {
    int result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third), "S"(0), "D"(0)
                     : "memory");
    if (result >= 0) return result;
    errno = -result;
    return -1;
}

static void try_32_bit(void) {
    int *arguments =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    say("32 getpid", call32(20, 0, 0, 0));
    arguments[0] = AF_VSOCK_;
    arguments[1] = 1;
    say("32 socketcall vsock", call32(102, 1, (int)(long)arguments, 0));
    arguments[0] = AF_ALG_;
    say("32 socketcall alg", call32(102, 1, (int)(long)arguments, 0));
    say("32 socket unix", call32(359, 1, 1, 0));
    say("32 socket alg", call32(359, AF_ALG_, 5, 0));
    say("32 unshare", call32(310, NEW_USER, 0, 0));
    say("32 clone newuser", call32(120, NEW_USER | SIGCHLD, 0, 0));
}

/* A call of the x32 convention ends its caller, so a child makes it. */
static void try_x32(void) {
    pid_t pid = fork();
    if (pid == 0) {
        syscall(0x40000000 | 39);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("x32 getpid: %s\n", WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "ok");
}
#endif

int main(void) {
    char room[128] = {0};
    say("clone newuser", syscall(SYS_clone, NEW_USER | SIGCHLD, 0, 0, 0, 0));
    say("clone newuser, high bits", syscall(SYS_clone, 0x100000000UL | NEW_USER | SIGCHLD, 0, 0, 0, 0));
    say("clone3", syscall(435, 0, 0));
    say("unshare", syscall(SYS_unshare, NEW_USER));
    say("setns", syscall(SYS_setns, 0, 0));
    say("mount", syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, 0));
    say("fsopen", syscall(430, "tmpfs", 0));
    say("pivot_root", syscall(SYS_pivot_root, "/", "/"));
    say("open_by_handle_at", syscall(SYS_open_by_handle_at, -100, room, 0));
    say("bpf", syscall(SYS_bpf, 0, room, sizeof room));
    say("perf_event_open", syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("io_uring_setup", syscall(425, 1, room));
    say("keyctl", syscall(SYS_keyctl, 0, -3, 1));
    say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
    say("init_module", syscall(SYS_init_module, room, 1, ""));
    say("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
    say("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
    say("swapon", syscall(SYS_swapon, "/tmp/x", 0));
    say("clock_settime", syscall(SYS_clock_settime, 0, room));
    say("sethostname", syscall(SYS_sethostname, "x", 1));
    say("personality, query", personality(0xffffffff));
    say("personality, read implies exec", personality(0x0400000));
    say("socket vsock", syscall(SYS_socket, AF_VSOCK_, 1, 0));
    say("socket vsock, high bits", syscall(SYS_socket, 0x100000000UL | AF_VSOCK_, 1, 0));
    say("socket alg", syscall(SYS_socket, AF_ALG_, 5, 0));
    say("socket packet", syscall(SYS_socket, 17, 3, 0));
    say("socket inet raw", syscall(SYS_socket, 2, 3, 1));
    say("socket netlink route", syscall(SYS_socket, 16, 3, 0));
    say("socket netlink netfilter", syscall(SYS_socket, 16, 3, 12));
#ifdef __x86_64__
    try_32_bit();
    try_x32();
#endif
    return 0;
}
