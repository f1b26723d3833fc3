// Confines a program before it starts: Landlock for files and TCP, seccomp for system calls.
//
// A program that is started under the name mm-confine confines itself and becomes another program, before its own main
// function runs. So every executable that holds this code is its own launcher.
//
//   mm-confine [ro=PATH | rw=PATH | at=PLACE=FOLDER | port=N | unix=1 | udp=1 | tcp=1 | terminal=1 |
//               attributes=0 | attributes=mounts | lead=PROCESS | own=network | own=memory | own=processes | memory=0 |
//               hand=DESCRIPTOR:N,… | watch=1]… -- PROGRAM NAME ARGUMENT…
//
// terminal=1 admits the session's own terminal by its path; attributes=0 keeps permissions, times and attributes of all
// files outside of the folders that may be written to: by mounts where this user may make them, else no call may name
// such a file by its path. attributes=mounts keeps them where mounts can be made, and at=PLACE=FOLDER then shows a folder
// at another place, such as /tmp. lead=PROCESS leaves a process in front of the program, which ends everything that was
// started when the program has ended, or the process of this number, which must be the one that starts it.
//
// own=network gives it a network in which there is nothing but this machine's loopback, empty; hand=DESCRIPTOR:N,… then
// listens there at these ports of 127.0.0.1 and passes the listeners over the Unix socket of that number (SCM_RIGHTS, with
// the byte n): they are the one way out. Where no namespaces can be made, watch=1 lets the leader make each connection, to
// the ports of port=N at 127.0.0.1 alone. own=memory gives it shared memory, semaphores and queues of its own, memory=0
// none. own=processes gives it a process tree with a /proc of its own. The last and watch=1 need a leader.
//
// What can't be set up ends it with status 126 and a line on standard error.
#ifndef MM_CCONFINEMENT_H
#define MM_CCONFINEMENT_H

#define MM_CONFINE_NAME "mm-confine"

// The version of Landlock that the kernel offers; 0 for none.
int mm_landlock_version(void);
enum {
    // A network and shared memory of its own can be had.
    MM_OWN_NETWORK = 1,
    // A process tree with its own /proc can be had.
    MM_OWN_PROCESSES = 2,
    // Connections can be looked at and made in the program's place.
    MM_WATCHED_CONNECTIONS = 4,
};
// What this kernel lets this user have of them; tried in child processes, which takes a few milliseconds.
int mm_confinement_means(void);
// Keeps the launcher in programs that are linked statically.
void mm_confinement_link(void);

#endif
