// Confines a program before it starts: Landlock for files and TCP, seccomp for system calls.
//
// A program that is started under the name mm-confine confines itself and becomes another program, before its own main
// function runs. So every executable that holds this code is its own launcher.
//
//   mm-confine [ro=PATH | rw=PATH | port=N | unix=1 | udp=1 | tcp=1 | terminal=1 | attributes=0]…
//              -- PROGRAM NAME ARGUMENT…
//
// terminal=1 admits the session's own terminal by its path; attributes=0 keeps permissions, times and attributes of all
// files outside of the folders that may be written to.
//
// What can't be set up ends it with status 126 and a line on standard error.
#ifndef MM_CCONFINEMENT_H
#define MM_CCONFINEMENT_H

#define MM_CONFINE_NAME "mm-confine"

// The version of Landlock that the kernel offers; 0 for none.
int mm_landlock_version(void);
// Keeps the launcher in programs that are linked statically.
void mm_confinement_link(void);

#endif
