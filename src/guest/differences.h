#ifndef TENKI_DIFFERENCES_H
#define TENKI_DIFFERENCES_H

/*
 * On the host. arguments: an overlay's upper directory that nobody writes to, whose attributes mark it (`trusted`,
 * `user`), and what to tell, each with a zero behind it: `files`: the path of everything that is there, itself last;
 * `marks`: what is not, as `w` and the path of what was removed, `o` of a directory of which nothing below shows, `r` of one that
 * shows what lies elsewhere below: nothing in that is told of.
 */
int tell_differences(char **arguments);

#endif
