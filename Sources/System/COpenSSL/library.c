#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "COpenSSL.h"

struct openssl_functions ssl;

static void *crypto;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

static void *open_library(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : name);
    }
    return library;
}

static int resolve(void *library, const char *file, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(reason, sizeof reason, "%s has no %s", file, name);
        return 0;
    }
    *(void **)slot = symbol;
    return 1;
}

static void load(void) {
    crypto = open_library("libcrypto.so.3");
    void *tls = crypto ? open_library("libssl.so.3") : NULL;
    if (!tls) return;
#define RESOLVE_CRYPTO(name) \
    if (!resolve(crypto, "libcrypto.so.3", #name, &ssl.name)) return;
#define RESOLVE_TLS(name) \
    if (!resolve(tls, "libssl.so.3", #name, &ssl.name)) return;
    CRYPTO(RESOLVE_CRYPTO)
    TLS(RESOLVE_TLS)
}

void *mm_openssl_find(const char *name) { return dlsym(crypto, name); }

const char *mm_openssl_load(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}
