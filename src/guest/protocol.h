/*
 * The words of the link between the engine and the guest; docs/guest-protocol.md tells the story.
 * Every frame is [u32 payload length, little endian][u8 type][payload]; one connection, one operation.
 */
#ifndef TENKI_PROTOCOL_H
#define TENKI_PROTOCOL_H

enum {
    PROTOCOL_VERSION = 2,
    LISTEN_FD = 3,
    HEADER_BYTES = 5,
    REQUEST_MAX = 4 << 20,    /* a first frame: arguments and environment, or the files of `prepare` */
    DATA_MAX = 256 << 10,     /* any later frame */
    CHUNK_BYTES = 128 << 10,  /* what the guest puts into one frame at most */
    STDIN_WINDOW = 1 << 20,   /* stdin that may be on its way without having been taken */
    OUTPUT_RING = 4 << 20,    /* where a kept command's output stays for a while */
    REQUEST_SECONDS = 10,     /* how long a connection may take to say what it wants */
    HANGUP_GRACE_MS = 2000,   /* between SIGHUP and SIGKILL when the caller is gone */
    TENKI_UID = 1000,
};

#define HOME "/home/tenki"

enum request_type {
    REQUEST_PING = 0x01,
    REQUEST_RUN = 0x02,
    REQUEST_PREPARE = 0x03,
    REQUEST_ATTACH = 0x04,
    REQUEST_PLACE = 0x05,
    REQUEST_DIAL = 0x06,
    REQUEST_LISTEN = 0x07,
    REQUEST_ACCEPT = 0x08,
    REQUEST_LEND = 0x09, /* for a socket to the command that the next frame asks for */
    REQUEST_READ = 0x10,
    REQUEST_WRITE = 0x11,
    REQUEST_STAT = 0x12,
    REQUEST_MKDIR = 0x13,
    REQUEST_REMOVE = 0x14,
    REQUEST_LIST = 0x15,
};

/* What follows a request, from the engine. */
enum up_type {
    UP_STDIN = 0x20,
    UP_STDIN_CLOSE = 0x21,
    UP_SIGNAL = 0x22,
    UP_DATA = 0x23,
    UP_END = 0x24,
    UP_RESIZE = 0x25,
    UP_HANG_UP = 0x26,
};

/* Answers. */
enum down_type {
    DOWN_PONG = 0x80,
    DOWN_STARTED = 0x81,
    DOWN_SPAWN_FAILED = 0x82,
    DOWN_STDOUT = 0x83,
    DOWN_STDERR = 0x84,
    DOWN_STDIN_TAKEN = 0x85,
    DOWN_EXIT = 0x86,
    DOWN_ATTACHED = 0x87,
    DOWN_CONNECTED = 0x88, /* the last frame: bytes follow, as they are, either way */
    DOWN_LISTENING = 0x89,
    DOWN_LENT = 0x8a, /* the socket comes along */
    DOWN_SIZE = 0x90,
    DOWN_DATA = 0x91,
    DOWN_END = 0x92,
    DOWN_DONE = 0x93,
    DOWN_INFO = 0x94,
    DOWN_ENTRIES = 0x95,
    DOWN_ERROR = 0x9f,
};

/* Beside the mode of a file that prepare or place writes: it is the sandbox's user's. */
enum { PREPARE_USER_OWNS = 0x10000 };

enum run_flag { RUN_PRIVILEGED = 1, RUN_PTY = 2, RUN_STDIN = 4, RUN_LET_GO = 8 };

/* At which step a command failed to start. */
enum spawn_step { STEP_EXEC = 0, STEP_CHDIR = 1, STEP_USER = 2, STEP_SETUP = 3 };

/* What an errno alone does not say. No text crosses the link: the engine has words of its own. */
enum error_reason {
    REASON_NONE = 0,
    REASON_OUTSIDE_HOME = 1,
    REASON_NOT_REGULAR = 2,
    REASON_BAD_REQUEST = 3,
    REASON_NOT_KEPT = 4,
    REASON_PATH_DENIED = 5,
};

#endif
