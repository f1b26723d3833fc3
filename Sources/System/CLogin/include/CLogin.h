// Passwords: slow hashes by libcrypt, and this user's login password by PAM. Both libraries are opened on first use;
// calls block.
#ifndef MM_CLOGIN_H
#define MM_CLOGIN_H

#include <stddef.h>

// Writes a slow hash with its own salt (crypt(5), yescrypt). Returns 0, or -1 if the library can't be opened.
int mm_password_hash(const char *password, char *hash, size_t room);
// Returns 1 if it is this password, 0 if not, -1 if the library can't be opened.
int mm_password_matches(const char *password, const char *hash);
// Returns 1 if it is the user's login password, 0 if not, -1 if PAM can't be opened or has no service for this.
int mm_login_matches(const char *service, const char *user, const char *password);

#endif
