#ifndef TENKI_FILES_H
#define TENKI_FILES_H

#include <sys/stat.h>

#include "frame.h"

/* A file operation, as the sandbox's user. A type that is no request at all is answered with an error. */
void serve_file_request(int sock, uint8_t type, struct reader *request);

/* Each: 0 with the answer sent, or -1 with errno and failure_reason. */
int serve_read(int sock, struct reader *request);
int serve_write(int sock, struct reader *request);
int serve_stat(int sock, struct reader *request);
int serve_mkdir(int sock, struct reader *request);
int serve_remove(int sock, struct reader *request);
int serve_list(int sock, struct reader *request);

/* Answers with a number. */
int send_done(int sock, uint64_t number);

#endif
