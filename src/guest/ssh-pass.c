#include "ssh-pass.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STAMP_BYTES = 80 }; /* three numbers of 64 bits */

struct named {
    const char *session;
    bool by_alias; /* a name may be another session's tomorrow, an id never is */
};

static bool read_words(char **words, struct named *named) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    if (count < 5) return false;
    char **last = words + count - 4;
    bool by_alias = strcmp(last[2], "--host") == 0, by_id = strcmp(last[2], "--session") == 0;
    if (strcmp(last[0], "sandbox") != 0 || strcmp(last[1], "ssh-proxy") != 0 || (!by_alias && !by_id)) return false;
    *named = (struct named){last[3], by_alias};
    /* It becomes a part of a path. */
    return named->session[0] != '\0' && named->session[0] != '.' && strchr(named->session, '/') == NULL;
}

/* Each of them may lead the command line elsewhere than its files say. */
static bool has_settings_in_environment(void) {
    static const char *const names[] = {"TENKI_AUTH_TOKEN", "TENKI_API_KEY", "TENKI_API_ENDPOINT", "TENKI_API_URL",
                                        "TENKI_SANDBOX_GATEWAY_URL"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (getenv(names[index]) != NULL) return true;
    return false;
}

static bool print(char path[PATH_MAX], const char *format, ...) {
    va_list values;
    va_start(values, format);
    int size = vsnprintf(path, PATH_MAX, format, values);
    va_end(values);
    return size >= 0 && size < PATH_MAX;
}

static bool find_settings(char path[PATH_MAX]) {
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (base != NULL && base[0] == '/') return print(path, "%s/tenki", base);
    return home != NULL && home[0] == '/' && print(path, "%s/.config/tenki", home);
}

static bool is_later(struct timespec one, struct timespec other) {
    return one.tv_sec != other.tv_sec ? one.tv_sec > other.tv_sec : one.tv_nsec > other.tv_nsec;
}

/* A file's own time is until when it is good. */
static bool is_good(const struct stat *info) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return is_later(info->st_mtim, now);
}

static bool is_known(const char *directory, bool by_alias) {
    struct stat info;
    if (lstat(directory, &info) < 0) return false;
    return S_ISDIR(info.st_mode) || (by_alias && S_ISLNK(info.st_mode) && is_good(&info));
}

static bool is_private(const struct stat *info) {
    return info->st_uid == geteuid() && (info->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool read_pass(const char *path, char text[PASS_BYTES]) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    bool is_ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && is_private(&info) && is_good(&info);
    ssize_t size = is_ours ? read(fd, text, PASS_BYTES) : -1;
    close(fd);
    if (size <= 0 || size == PASS_BYTES || memchr(text, '\0', (size_t)size) != NULL) return false;
    text[size] = '\0';
    return true;
}

/* Tells the config file from every other one, and from what it was or will be. The command line keeps it with a pass. */
static bool print_stamp(char stamp[STAMP_BYTES], const char *config) {
    struct stat info;
    if (stat(config, &info) < 0) return false;
    intmax_t time_ns = (intmax_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec;
    snprintf(stamp, STAMP_BYTES, "%ju %ju %jd\n", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino, time_ns);
    return true;
}

static bool take_apart(struct ssh_pass *pass, const char *stamp) {
    if (strncmp(pass->text, stamp, strlen(stamp)) != 0) return false;
    char *path = pass->text + strlen(stamp), *line_end = strchr(path, '\n'), *request = strstr(path, "\n\n");
    if (line_end == NULL || request == NULL) return false;
    *line_end = request[1] = '\0';
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof pass->at.sun_path) return false;
    pass->at = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(pass->at.sun_path, path, size);
    pass->refusals = line_end < request ? line_end + 1 : "";
    pass->request = request + 2;
    return pass->request[0] != '\0';
}

bool find_ssh_pass(char **words, struct ssh_pass *pass) {
    struct named named;
    char settings[PATH_MAX], directory[PATH_MAX], path[PATH_MAX], stamp[STAMP_BYTES];
    struct stat certificate;
    if (!read_words(words, &named) || has_settings_in_environment() || !find_settings(settings)) return false;
    return print(directory, "%s/ssh-certs/%s", settings, named.session) && is_known(directory, named.by_alias) &&
           print(pass->certificate, "%s/id_ed25519-cert.pub", directory) &&
           stat(pass->certificate, &certificate) == 0 && is_good(&certificate) &&
           print(path, "%s/pass", directory) && read_pass(path, pass->text) &&
           print(path, "%s/config.yaml", settings) && print_stamp(stamp, path) && take_apart(pass, stamp);
}
