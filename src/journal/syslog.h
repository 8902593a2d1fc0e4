/* journal/syslog.h -- messages of the syslog socket, as syslog(3) writes them. */
#pragma once

#include <stddef.h>

struct syslog_message {
    int priority; /* facility and level */
    const char *timestamp;
    size_t timestamp_length; /* with the space after it; 0: none */
    const char *identifier;
    size_t identifier_length;
    const char *pid;
    size_t pid_length;
    const char *text;
    size_t length;
};

/* Takes "<PRI>Mmm dd hh:mm:ss identifier[pid]: text" apart; each part but the text may be missing.
 * White space and NULs at the end are no part of the text. The parts point into data. */
void syslog_parse(const char *data, size_t n, struct syslog_message *ret);
