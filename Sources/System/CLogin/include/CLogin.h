// Passwords: slow hashes by libcrypt, and this user's login by PAM. Both libraries are opened on first use; calls block.
#ifndef MM_CLOGIN_H
#define MM_CLOGIN_H

#include <stddef.h>

// A slow hash with a salt of its own (crypt(5), yescrypt). Returns 0, or -1 where the library can't be had.
int mm_password_hash(const char *password, char *hash, size_t room);
// 1: it is this password; 0: it is not; -1: the library can't be had.
int mm_password_matches(const char *password, const char *hash);
// 1: it is the user's login password; 0: it is not; -1: PAM can't be had or knows no service for this.
int mm_login_matches(const char *service, const char *user, const char *password);

#endif
