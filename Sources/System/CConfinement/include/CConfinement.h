// Confines a program before it starts: Landlock for files and TCP, seccomp for system calls.
//
// A program that is started under the name mm-confine confines itself and becomes another program before its own main
// function runs. Thus every executable that contains this code is its own launcher.
//
//   mm-confine [ro=PATH | rw=PATH | at=PLACE=FOLDER | port=N | unix=1 | udp=1 | tcp=1 | terminal=1 |
//               attributes=0 | attributes=mounts | lead=PROCESS | own=network | own=memory | own=processes | memory=0 |
//               hand=DESCRIPTOR:N,… | watch=1]… -- PROGRAM NAME ARGUMENT…
//
// terminal=1 permits the session's own terminal by its path. attributes=0 protects permissions, times and attributes of
// all files outside the writable folders: by mounts if this user may make them, otherwise no system call may name such a
// file by its path. attributes=mounts protects them only if mounts can be made; at=PLACE=FOLDER then binds a folder to
// another place, such as /tmp. lead=PROCESS keeps a process in front of the program, which ends everything that was
// started once the program has ended, or the process with this number, which must be the one that starts it.
//
// own=network gives the program a network that contains only its own loopback interface. hand=DESCRIPTOR:N,… then listens
// at these ports of 127.0.0.1 in it and passes the listeners over the Unix socket with that descriptor (SCM_RIGHTS, with
// the byte n): they are the only way out. If no namespaces can be created, watch=1 lets the leader make each connection,
// only to the ports of port=N at 127.0.0.1. own=memory gives the program its own shared memory, semaphores and queues,
// memory=0 none. own=processes gives it a process tree with its own /proc. own=processes and watch=1 need a leader.
//
// If something can't be set up, the program ends with status 126 and a line on standard error.
#ifndef MM_CCONFINEMENT_H
#define MM_CCONFINEMENT_H

#define MM_CONFINE_NAME "mm-confine"

// Returns the version of Landlock that the kernel offers; 0 for none.
int mm_landlock_version(void);
enum {
    // A network and shared memory of the program's own are possible.
    MM_OWN_NETWORK = 1,
    // A process tree with its own /proc is possible.
    MM_OWN_PROCESSES = 2,
    // Connections can be checked and made in the program's place.
    MM_WATCHED_CONNECTIONS = 4,
};
// Returns which of them this kernel permits this user; tried in child processes, which takes a few milliseconds.
int mm_confinement_means(void);
// Keeps the launcher in programs that are linked statically.
void mm_confinement_link(void);

#endif
