#ifndef CONFINEMENT_H
#define CONFINEMENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "CConfinement.h"

// The kernel headers of Debian 12 don't know these system calls.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

#define HIDDEN __attribute__((visibility("hidden")))
#define COUNT(list) (sizeof(list) / sizeof *(list))

// The system calls that the program may use.
struct calls {
    int allow_unix, allow_udp, allow_tcp, keep_attributes, share_nothing;
    // The socket to the supervising process that checks connections before they are made; -1 if they aren't checked.
    int watcher;
};

// What the words before "--" ask for.
struct request {
    // The words themselves, for those that name places and ports.
    char **words;
    int count;
    struct calls calls;
    // Whether attributes are protected only if that can be done by mounts.
    int may_keep_attributes;
    int has_own_processes, is_watched;
    // CLONE_NEWNET and CLONE_NEWIPC.
    int namespaces;
    // The process that starts the program; 0 if it needs no leader.
    pid_t starter;
    // The value of hand=, or null.
    const char *hand;
};

// Ends the program with status 126 and a line that names what failed, and errno.
HIDDEN __attribute__((noreturn)) void mm_confine_fail(const char *what);
// Returns the value of a word that begins with `name`, or null for another word.
static inline const char *mm_confine_value(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) ? NULL : word + length;
}

// Namespaces: each returns 0, or -1 if this user may not have it.
HIDDEN int mm_own_namespaces(int kinds);
HIDDEN int mm_own_mounts(void);
// Enables the only interface of a new network, the loopback interface.
HIDDEN int mm_raise_loopback(void);
// Mounts a /proc for the process's own tree, after CLONE_NEWPID.
HIDDEN int mm_mount_own_processes(void);

// Listens at the ports of hand= in its own network and passes the listeners to the process at the other end of the socket.
HIDDEN void mm_hand_listeners(const char *hand);
// Makes the whole file system read-only except for the folders that may be written to. This protects a file's attributes
// (permissions, times) like its content. Also binds the session's own folders to places that all users share, such as /tmp.
// Returns 0, or -1 if this user may make no mounts.
HIDDEN int mm_mount_read_only(const struct request *request);
// Stores the place of at=PLACE=FOLDER and returns the folder, if both exist; otherwise returns null.
HIDDEN const char *mm_shown_at(const char *word, char *place, size_t size);

// Puts a supervising process in front of the program. It ends everything that the program started once the program has ended,
// and ends the program once the starter has ended. The program continues in a child. Returns the socket over which the program
// passes the notices of its connections, if they are watched; otherwise -1.
HIDDEN int mm_lead(const struct request *request);

// Passes up to 8 descriptors to the process at the other end of a socket, with one byte that names their kind. Returns 0 or -1.
HIDDEN int mm_pass_descriptors(int socket, char word, const int *descriptors, size_t count);
// Returns the descriptor that the other end has passed; -1 if it ended before.
HIDDEN int mm_passed_descriptor(int socket);
// Makes one connection for the program if the request permits it, and tells the program's system call the outcome.
HIDDEN void mm_answer_connection(int notices, const struct request *request);

// Returns a Landlock ruleset with the files and ports that the words permit.
HIDDEN int mm_make_ruleset(const struct request *request);
// Filters system calls from here on.
HIDDEN void mm_filter_calls(const struct calls *calls);

#endif
