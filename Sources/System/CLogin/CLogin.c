#define _GNU_SOURCE
#include "CLogin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// crypt(3) and crypt_gensalt(3) of libxcrypt; the `_ra` forms allocate their memory and keep no state between calls.
typedef char *(*crypt_function)(const char *phrase, const char *setting, void **data, int *size);
typedef char *(*salt_function)(const char *prefix, unsigned long count, const char *bytes, int length);

static void *library_function(const char *library, const char *name) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    return handle ? dlsym(handle, name) : NULL;
}

static int hash_with(const char *password, const char *setting, char *hash, size_t room) {
    crypt_function crypt_ra = (crypt_function)library_function("libcrypt.so.1", "crypt_ra");
    if (!crypt_ra) return -1;
    void *data = NULL;
    int size = 0;
    const char *made = crypt_ra(password, setting, &data, &size);
    // On failure, crypt returns a text that can't be a hash.
    int failed = !made || made[0] == '*' || strlen(made) >= room;
    if (!failed) strcpy(hash, made);
    if (data) {
        explicit_bzero(data, (size_t)size);
        free(data);
    }
    return failed ? -1 : 0;
}

int mm_password_hash(const char *password, char *hash, size_t room) {
    salt_function gensalt = (salt_function)library_function("libcrypt.so.1", "crypt_gensalt_ra");
    if (!gensalt) return -1;
    char *setting = gensalt("$y$", 0, NULL, 0);
    if (!setting) return -1;
    int result = hash_with(password, setting, hash, room);
    free(setting);
    return result;
}

int mm_password_matches(const char *password, const char *hash) {
    char made[512];
    if (hash_with(password, hash, made, sizeof made) != 0) return -1;
    size_t length = strlen(hash);
    if (strlen(made) != length) return 0;
    unsigned char difference = 0;
    for (size_t index = 0; index < length; index++) difference |= (unsigned char)(made[index] ^ hash[index]);
    return difference == 0;
}

// The part of PAM's interface in use (pam(3), pam_conv(3)).
struct message { int style; const char *text; };
struct response { char *text; int code; };
struct conversation {
    int (*ask)(int count, const struct message **messages, struct response **responses, void *context);
    void *context;
};
enum { PAM_SUCCESS_CODE = 0, PAM_CONVERSATION_ERROR = 19, PAM_HIDDEN = 1, PAM_AUTH_ERROR = 7, PAM_MAX_TRIES = 11 };

static int answer(int count, const struct message **messages, struct response **responses, void *context) {
    if (count <= 0 || count > 32) return PAM_CONVERSATION_ERROR;
    struct response *all = calloc((size_t)count, sizeof *all);
    if (!all) return PAM_CONVERSATION_ERROR;
    for (int index = 0; index < count; index++) {
        if (messages[index]->style == PAM_HIDDEN) all[index].text = strdup(context);
    }
    *responses = all;
    return PAM_SUCCESS_CODE;
}

int mm_login_matches(const char *service, const char *user, const char *password) {
    typedef int (*start_function)(const char *, const char *, const struct conversation *, void **);
    typedef int (*step_function)(void *, int);
    start_function start = (start_function)library_function("libpam.so.0", "pam_start");
    step_function authenticate = (step_function)library_function("libpam.so.0", "pam_authenticate");
    step_function end = (step_function)library_function("libpam.so.0", "pam_end");
    if (!start || !authenticate || !end) return -1;
    struct conversation conversation = {answer, (void *)password};
    void *handle = NULL;
    if (start(service, user, &conversation, &handle) != PAM_SUCCESS_CODE) return -1;
    int result = authenticate(handle, 0);
    end(handle, result);
    if (result == PAM_SUCCESS_CODE) return 1;
    return result == PAM_AUTH_ERROR || result == PAM_MAX_TRIES ? 0 : -1;
}
