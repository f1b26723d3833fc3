// Confines a program before it starts: Landlock for files and TCP, seccomp for system calls.
//
// A program that is started under the name mm-confine confines itself and becomes another program, before its own main
// function runs. So every executable that holds this code is its own launcher.
//
//   mm-confine [ro=PATH | rw=PATH | at=PLACE=FOLDER | port=N | unix=1 | udp=1 | tcp=1 | terminal=1 |
//               attributes=0 | attributes=mounts | lead=PROCESS]… -- PROGRAM NAME ARGUMENT…
//
// terminal=1 admits the session's own terminal by its path; attributes=0 keeps permissions, times and attributes of all
// files outside of the folders that may be written to: by mounts where this user may make them, else no call may name
// such a file by its path. attributes=mounts keeps them where mounts can be made, and at=PLACE=FOLDER then shows a folder
// at another place, such as /tmp. lead=PROCESS leaves a process in front of the program, which ends everything that was
// started when the program has ended, or the process of this number, which must be the one that starts it.
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
