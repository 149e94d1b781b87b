#include "tar-entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tar-attributes.h"

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[8], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK_BYTES, "a header is one block");

/* Its length counts its own digits. */
void write_tar_record(FILE *records, const char *key, const void *value, size_t size) {
    size_t rest = strlen(key) + size + 3, length = rest + 1;
    while (length != rest + (size_t)snprintf(NULL, 0, "%zu", length)) length++;
    fprintf(records, "%zu %s=", length, key);
    fwrite(value, 1, size, records);
    fputc('\n', records);
}

/* In the header where that has room for it, else in a record of its own. */
static void put_number(FILE *records, const char *key, char *field, int width, uint64_t value) {
    bool fits = value < UINT64_C(1) << 3 * (width - 1);
    char digits[24];
    snprintf(digits, sizeof digits, "%0*" PRIo64, width - 1, fits ? value : 0);
    memcpy(field, digits, (size_t)width);
    if (fits) return;
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    write_tar_record(records, key, digits, strlen(digits));
}

static bool is_ascii(const char *text) {
    for (; *text != 0; text++) {
        if ((unsigned char)*text > 0x7f) return false;
    }
    return true;
}

static void put_name(FILE *records, const char *key, char field[100], const char *name) {
    size_t length = strlen(name);
    memcpy(field, name, length < 100 ? length : 100);
    if (length > 100 || !is_ascii(name)) write_tar_record(records, key, name, length);
}

/* The header's are whole seconds since 1970. */
static void put_time(FILE *records, char field[12], struct timespec time) {
    int64_t seconds = time.tv_sec;
    bool fits = time.tv_nsec == 0 && seconds >= 0;
    put_number(records, "mtime", field, 12, seconds < 0 ? 0 : (uint64_t)seconds);
    if (fits) return;
    bool before = seconds < 0;
    long fraction = before && time.tv_nsec > 0 ? 1000000000 - time.tv_nsec : time.tv_nsec;
    if (before) seconds = -(seconds + (time.tv_nsec > 0));
    char text[48];
    int size = snprintf(text, sizeof text, "%s%" PRId64 ".%09ld", before ? "-" : "", seconds, fraction);
    write_tar_record(records, "mtime", text, (size_t)size);
}

static void write_header(FILE *out, struct header *header) {
    memcpy(header->magic, "ustar\00000", sizeof header->magic);
    memset(header->sum, ' ', sizeof header->sum);
    unsigned sum = 0;
    for (size_t index = 0; index < sizeof *header; index++) sum += ((unsigned char *)header)[index];
    snprintf(header->sum, sizeof header->sum, "%06o", sum);
    fwrite(header, sizeof *header, 1, out);
}

static void write_records(FILE *out, const char *records, size_t size) {
    if (size == 0) return;
    struct header header = {.name = "PaxHeaders/entry", .mode = "0000644", .uid = "0000000", .gid = "0000000",
                            .mtime = "00000000000", .type = 'x'};
    put_number(NULL, "size", header.size, sizeof header.size, size);
    write_header(out, &header);
    fwrite(records, 1, size, out);
    write_tar_padding(out, (off_t)size);
}

static int describe(FILE *records, struct header *header, const struct tar_entry *entry) {
    const struct stat *stat = entry->stat;
    put_name(records, "path", header->name, entry->path);
    put_name(records, "linkpath", header->link, entry->link);
    put_number(records, "mode", header->mode, sizeof header->mode, stat->st_mode & 07777);
    put_number(records, "uid", header->uid, sizeof header->uid, stat->st_uid);
    put_number(records, "gid", header->gid, sizeof header->gid, stat->st_gid);
    put_number(records, "size", header->size, sizeof header->size, (uint64_t)entry->size);
    put_time(records, header->mtime, stat->st_mtim);
    bool is_device = entry->type == '3' || entry->type == '4';
    put_number(records, "SCHILY.devmajor", header->major, sizeof header->major, is_device ? major(stat->st_rdev) : 0);
    put_number(records, "SCHILY.devminor", header->minor, sizeof header->minor, is_device ? minor(stat->st_rdev) : 0);
    return entry->fd < 0 ? 0 : write_tar_attributes(records, entry->fd);
}

int write_tar_entry(FILE *out, const struct tar_entry *entry) {
    struct header header = {.type = entry->type};
    char *text = NULL;
    size_t size = 0;
    FILE *records = open_memstream(&text, &size);
    if (records == NULL) return -1;
    int result = describe(records, &header, entry);
    int error = errno;
    if (fclose(records) != 0) return -1;
    if (result == 0) {
        write_records(out, text, size);
        write_header(out, &header);
    }
    free(text);
    errno = error;
    return result < 0 || ferror(out) ? -1 : 0;
}

void write_tar_padding(FILE *out, off_t size) {
    static const char zeros[TAR_BLOCK_BYTES];
    size_t over = (size_t)(size % TAR_BLOCK_BYTES);
    if (over > 0) fwrite(zeros, 1, TAR_BLOCK_BYTES - over, out);
}
