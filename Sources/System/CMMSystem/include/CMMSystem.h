// System calls that Swift's Glibc module hides behind feature macros or can't express. Every descriptor is opened
// close-on-exec. Failures return -1 with errno unless stated otherwise.
#ifndef CMMSYSTEM_H
#define CMMSYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Blocks every signal in the calling thread, except those that a fault in the thread itself raises.
void mm_block_signals_in_thread(void);
// Sets the calling thread's name, truncated to 15 bytes.
void mm_name_thread(const char *name);

// Returns free heap memory to the kernel.
void mm_trim_heap(void);

// Fills memory with random bytes from the kernel (getrandom(2)). Returns their number, or -1.
long mm_random(void *bytes, size_t count);

// Adds whole blocks of 64 bytes to a SHA-256 state of eight words. `plainly` doesn't use the processor's own instructions.
void mm_sha256_blocks(uint32_t *state, const uint8_t *bytes, size_t blocks, int plainly);

// Returns whether the processor has instructions for AES.
int mm_has_aes(void);

// A counting semaphore for threads (sem_overview(7)); it must outlive its last wait. Waiting returns 0, or -1 when the
// time ran out; negative milliseconds wait forever.
void *mm_semaphore_create(void);
void mm_semaphore_free(void *semaphore);
void mm_semaphore_post(void *semaphore);
int mm_semaphore_wait(void *semaphore, int milliseconds);

// Waits until there is something to read on `descriptor` (returns 1) or on `stop` (returns 0).
int mm_wait_readable(int descriptor, int stop);

// Create a descriptor that delivers these signals, which the caller has blocked, and read the next signal from it, or 0.
int mm_signal_descriptor(const int *signals, int count);
int mm_next_signal(int descriptor);
// Blocks or unblocks these signals in the calling thread and those that it starts.
void mm_block_signals(const int *signals, int count, int block);
// Ignores a signal from now on, unless the program handles it.
void mm_ignore_by_default(int signal);

// epoll
enum {
    MM_EPOLL_READ = 0x001,
    MM_EPOLL_WRITE = 0x004,
    MM_EPOLL_ERROR = 0x008,
    MM_EPOLL_PEER_CLOSED = 0x2000,
    MM_EPOLL_ONCE = 1 << 30,
};
enum { MM_EPOLL_ADD = 1, MM_EPOLL_REMOVE = 2, MM_EPOLL_CHANGE = 3 };
struct mm_epoll_event {
    uint32_t events;
    uint64_t token;
};
int mm_epoll_create(void);
int mm_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);
int mm_epoll_wait(int epoll, struct mm_epoll_event *events, int capacity, int milliseconds);
int mm_eventfd(void);

// Descriptors
int mm_pipe(int *read_end, int *write_end);
// Makes a pipe hold more bytes; the kernel may refuse it.
int mm_set_pipe_capacity(int descriptor, int bytes);
int mm_duplicate(int descriptor);
int mm_set_nonblocking(int descriptor, int on);
int mm_open(const char *path, int flags, unsigned mode);
int mm_open_terminal(const char *path);
int mm_pending_input(int descriptor);

// Sockets
int mm_unix_socket(void);
int mm_unix_bind(int socket, const char *path);
int mm_unix_connect(int socket, const char *path);
int mm_accept(int socket);
// Accepts a connection, which doesn't block, with one of the descriptors that are kept when no other one is left. Returns
// -1 if there is none either.
int mm_accept_with_spare(int socket);
// Makes a TCP socket send small messages without delay.
void mm_send_at_once(int socket);
// Whether the peer has closed the connection, or at least its writing side.
int mm_peer_has_closed(int socket);
int mm_socketpair(int *left, int *right);
// Waits for descriptors that the other end of a Unix socket passes (SCM_RIGHTS), and stores at most `room` of them. Returns
// their number; 0 if the other end has closed.
int mm_receive_descriptors(int socket, int *descriptors, int room);
int mm_peer_credentials(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid);
// Binds to an IP literal and listens; stores the actual port in `port`. Sets errno to EINVAL if it isn't an IP literal.
int mm_tcp_listen(const char *address, uint16_t *port, int backlog);
// Stores the address (as text) and port of a socket's own end or its peer's, and returns the family, or -1. `room` must
// be at least 64 bytes.
int mm_socket_address(int socket, int peer, char *text, size_t room, uint16_t *port);
// Finds the user and inode of the established TCP socket with these ends (addresses in network order, 4 or 16 bytes), using
// sock_diag(7). Returns 1 with both, 0 if no process holds such a socket, -1 if the kernel can't be asked.
int mm_socket_owner(int is_v6, const uint8_t *own, uint16_t own_port, const uint8_t *remote, uint16_t remote_port,
                    uint32_t *uid, uint32_t *inode);
// The maximum length of a Unix socket's path in its address, without the final NUL.
int mm_unix_path_limit(void);

// Pseudo-terminals: returns the master's descriptor, and stores the slave's path in `path`.
int mm_open_pty(char *path, size_t room);
int mm_window_size(int descriptor, uint16_t *rows, uint16_t *columns);
int mm_set_window_size(int descriptor, uint16_t rows, uint16_t columns);

// Terminal modes. `mm_terminal_quiet` stores the old mode in `saved`, which needs mm_terminal_mode_size() bytes.
size_t mm_terminal_mode_size(void);
int mm_terminal_quiet(int descriptor, int raw, void *saved);
int mm_terminal_restore(int descriptor, const void *saved);

// Processes
struct mm_spawn {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;   // null: the caller's
    int input, output, error; // descriptors to become 0, 1, 2
    int terminal;             // the terminal that becomes the controlling one; -1: none
    int death_signal;         // sent to the child when the thread that started it ends; 0: none
    const int *extra;         // descriptors to become 3, 4, 5…
    int extra_count;
    const uint64_t *limits;   // triples: resource, soft, hard
    int limit_count;
    int own_session;          // whether the child leads a session and process group of its own
};
enum {
    MM_SPAWN_CLONE = 1,
    MM_SPAWN_DIRECTORY = 2,
    MM_SPAWN_DESCRIPTORS = 3,
    MM_SPAWN_TERMINAL = 4,
    MM_SPAWN_LIMITS = 5,
    MM_SPAWN_EXECUTE = 6,
};
// Starts a program without copying this process. Returns the pid, with the pidfd in `pidfd`; or -1 with errno and the
// step that failed. The child has default signal dispositions, no blocked signal, and only the named descriptors.
pid_t mm_start_program(const struct mm_spawn *spawn, int *pidfd, int *step);
int mm_pidfd_open(pid_t pid);
int mm_pidfd_signal(int pidfd, int signal);
// Reaps the child: returns its exit status, or 128 plus the signal that ended it with `signalled` set; -1 while it is
// running.
int mm_reap(pid_t pid, int *signalled);
// Adopts orphaned grandchildren, so that they can be found and ended.
int mm_become_subreaper(void);
// Raises the limit of open descriptors to its maximum, but for a few spare ones; returns the limit now in force.
uint64_t mm_raise_descriptor_limit(void);

#endif
