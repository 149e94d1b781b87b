/**
 * The system calls that a sandbox may make without conditions, by purpose. Names that an architecture
 * does not have are passed over by the runtime. What is in no list is answered as if the kernel did not
 * have it (ENOSYS), so that programs fall back to what they did before it existed; the relics of other
 * decades are left out, as every name makes a sandbox's start longer.
 */
export const allowedSyscalls: Readonly<Record<string, readonly string[]>> = {
  openFiles: words(`
    access close close_range creat dup dup2 dup3 faccessat faccessat2 fcntl fcntl64 flock ioctl open openat
    openat2 pipe pipe2 memfd_create`),

  readAndWrite: words(`
    copy_file_range fadvise64 fadvise64_64 arm_fadvise64_64 fallocate fdatasync fsync ftruncate ftruncate64
    _llseek lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64
    splice sync sync_file_range sync_file_range2 arm_sync_file_range syncfs tee truncate truncate64 vmsplice
    write writev io_setup io_destroy io_submit io_cancel io_getevents`),

  // Device nodes need CAP_MKNOD, which nobody inside has: mknod makes pipes, sockets and files.
  directoriesAndNames: words(`
    chdir chroot fchdir getcwd getdents getdents64 link linkat mkdir mkdirat mknod mknodat readlink
    readlinkat rename renameat renameat2 rmdir symlink symlinkat umask unlink unlinkat`),

  fileAttributes: words(`
    chmod chown chown32 fchmod fchmodat fchmodat2 fchown fchown32 fchownat fgetxattr flistxattr fremovexattr
    fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat getxattr lchown lchown32 lgetxattr
    listxattr llistxattr lremovexattr lsetxattr lstat lstat64 newfstatat removexattr setxattr stat stat64
    statfs statfs64 statx utime utimensat utimensat_time64 utimes`),

  waitForEvents: words(`
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll ppoll_time64
    pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64
    timerfd_settime timerfd_settime64`),

  memory: words(`
    brk madvise membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock
    munlockall munmap pkey_alloc pkey_free pkey_mprotect process_madvise`),

  // Making one is conditional: see seccomp.ts.
  processes: words(`
    execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid pidfd_open prctl
    setpgid setsid vfork wait4 waitid waitpid restart_syscall arch_prctl set_thread_area set_tid_address
    set_tls get_tls cacheflush breakpoint rseq`),

  signals: words(`
    alarm kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack
    sigreturn tgkill tkill`),

  // The kernel lets a process look only at those of its own user, inside its own PID namespace.
  debugging: words(`kcmp pidfd_getfd process_vm_readv process_vm_writev ptrace`),

  threadsAndLocks: words(`
    futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list set_robust_list
    semctl semget semop semtimedop semtimedop_time64`),

  messagesAndSharedMemory: words(`
    ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd shmat shmctl shmdt shmget`),

  // Making one is conditional: see seccomp.ts.
  sockets: words(`
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
    recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketpair`),

  users: words(`
    capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid
    getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid
    setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
    setreuid32 setuid setuid32`),

  limitsAndScheduling: words(`
    get_mempolicy getcpu getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield setpriority setrlimit ugetrlimit`),

  time: words(`
    clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
    getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime
    timer_gettime64 timer_settime timer_settime64 times`),

  // Sandboxes within the sandbox: both only ever take rights away.
  selfRestriction: words(`landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`),

  system: words(`getrandom sysinfo uname`),
};

/**
 * What needs rights over the machine that nobody inside has. Refused with EPERM, as the kernel would:
 * programs have words for that, and none for a kernel without `mount`.
 */
export const refusedSyscalls: readonly string[] = words(`
  mount umount2 pivot_root setns unshare open_by_handle_at fanotify_init acct bpf perf_event_open syslog
  vhangup iopl ioperm userfaultfd delete_module finit_module init_module kexec_file_load kexec_load quotactl
  quotactl_fd reboot sethostname setdomainname swapoff swapon adjtimex clock_adjtime clock_adjtime64
  clock_settime clock_settime64 settimeofday`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
