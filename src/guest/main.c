/*
 * tenki-guest: the engine's hand inside a sandbox.
 *
 *   tenki-guest listen <socket-path> -- <argv…>   on the host: makes the listening socket fd 3, then execs argv
 *   tenki-guest layers (<options> <target>)… -- <argv…>   on the host: mounts overlays for argv alone, then execs it
 *   tenki-guest mount <pid> <start> <directory> <path> ro|rw   on the host: a volume into a sandbox that runs
 *   tenki-guest unmount <pid> <start> <directory> <path> keep|kill own|shared   on the host: out of it again
 *   tenki-guest pass guest|lane                   on the host: passes on a burst of output between the sockets it is given
 *   tenki-guest wire carry|lend                   on the host: an SSH connection's bytes, to the server inside
 *   tenki-guest knock <tenki…> sandbox ssh-proxy …   for ssh: a login as the last one went, or else the command line
 *   tenki-guest body                              on the host: passes on the body of an answer between the sockets it is given
 *   tenki-guest reach PROCESSES                   on the host: connects to ports inside sandboxes, for the engine
 *   tenki-guest clone-disk <directory> <image> <file> share|copy   on the host: a disk's image as at one moment
 *   tenki-guest thaw-disks <directory>…           on the host: after a loss of the above in the middle
 *   tenki-guest differences <directory> trusted|user   on the host: what an overlay's upper layer removes
 *   tenki-guest pack <directory> <prefix> trusted|user|below   on the host: what is in one, as a tar
 *   tenki-guest init                              pid 1 of the sandbox: serves what arrives on fd 3
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "differences.h"
#include "disk.h"
#include "init.h"
#include "knock.h"
#include "layers.h"
#include "listen.h"
#include "pack.h"
#include "pass.h"
#include "reach.h"
#include "volume.h"
#include "wire.h"

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "init") == 0) return run_init();
    if (argc >= 5 && strcmp(argv[1], "listen") == 0 && strcmp(argv[3], "--") == 0) {
        return listen_and_exec(argv[2], argv + 4);
    }
    if (argc >= 3 && strcmp(argv[1], "layers") == 0) return mount_layers_and_exec(argc - 2, argv + 2);
    if (argc == 3 && strcmp(argv[1], "pass") == 0) pass_output(argv[2]);
    if (argc == 3 && strcmp(argv[1], "wire") == 0) {
        if (strcmp(argv[2], "lend") == 0) lend_wire();
        carry_wire();
    }
    if (argc >= 3 && strcmp(argv[1], "knock") == 0) knock(argv + 2);
    if (argc == 2 && strcmp(argv[1], "body") == 0) pass_body();
    if (argc == 3 && strcmp(argv[1], "reach") == 0) return serve_reach(atoi(argv[2]));
    if (argc == 7 && strcmp(argv[1], "mount") == 0) return mount_volume(argv + 2);
    if (argc == 8 && strcmp(argv[1], "unmount") == 0) return unmount_volume(argv + 2);
    if (argc == 6 && strcmp(argv[1], "clone-disk") == 0) return clone_disk(argv + 2);
    if (argc == 4 && strcmp(argv[1], "differences") == 0) return tell_differences(argv + 2);
    if (argc == 5 && strcmp(argv[1], "pack") == 0) return pack(argv + 2);
    if (argc >= 2 && strcmp(argv[1], "thaw-disks") == 0) return thaw_disks(argc - 2, argv + 2);
    fprintf(stderr, "usage: tenki-guest listen <socket-path> -- <argv...> | tenki-guest init |\n"
                    "       tenki-guest layers (<options> <target>)... -- <argv...> |\n"
                    "       tenki-guest pass guest|lane | tenki-guest wire carry|lend | tenki-guest body |\n"
                    "       tenki-guest knock <tenki...> sandbox ssh-proxy ... |\n"
                    "       tenki-guest reach PROCESSES |\n"
                    "       tenki-guest mount <pid> <start> <directory> <path> ro|rw |\n"
                    "       tenki-guest unmount <pid> <start> <directory> <path> keep|kill own|shared |\n"
                    "       tenki-guest clone-disk <directory> <image> <file> share|copy |\n"
                    "       tenki-guest thaw-disks <directory>... |\n"
                    "       tenki-guest differences <directory> trusted|user |\n"
                    "       tenki-guest pack <directory> <prefix> trusted|user|below\n");
    return 2;
}
