// Certificates whose key stays in a token (a smart card, a security module). OpenSSL reaches the key by its PKCS #11 URI
// through the provider `pkcs11`, or through the older engine.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "COpenSSL.h"
#include "credential.h"

// Functions that not every build of OpenSSL has.
#define OPTIONAL(F) \
    F(OPENSSL_init_crypto) F(OSSL_PROVIDER_load) F(OSSL_PROVIDER_try_load) F(OSSL_STORE_open) F(OSSL_STORE_eof) \
    F(OSSL_STORE_load) F(OSSL_STORE_close) F(OSSL_STORE_INFO_get1_PKEY) F(OSSL_STORE_INFO_free) \
    F(UI_UTIL_wrap_read_pem_callback) F(UI_destroy_method) F(UI_null) F(ENGINE_by_id) F(ENGINE_init) F(ENGINE_free) \
    F(ENGINE_ctrl_cmd_string) F(ENGINE_load_private_key)

static struct {
#define POINTER(name) __typeof__(name) *name;
    OPTIONAL(POINTER)
#undef POINTER
} token;

static pthread_once_t once = PTHREAD_ONCE_INIT;
// The engine supports one PIN and one module at a time.
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int has_provider;
static ENGINE *engine;
static char *engine_module;
static int engine_has_pin;

static void find_provider(void) {
#define RESOLVE(name) token.name = mm_openssl_find(#name);
    OPTIONAL(RESOLVE)
#undef RESOLVE
    if (!token.OSSL_PROVIDER_try_load || !token.OSSL_STORE_open) return;
    // Loading a provider explicitly disables the automatic default one, so load that first; the rest of this process then
    // continues unchanged.
    if (token.OSSL_PROVIDER_load(NULL, "default"))
        has_provider = token.OSSL_PROVIDER_try_load(NULL, "pkcs11", 1) != NULL;
}

// Returns whether the last failure was due to the PIN: libraries outside OpenSSL report the module's own numbers (PKCS
// #11, section 6, CKR_PIN_INCORRECT to CKR_PIN_LOCKED).
static int pin_refused(void) {
    unsigned long error;
    int refused = 0;
    while ((error = ssl.ERR_get_error()))
        if (ERR_GET_LIB(error) >= ERR_LIB_USER && ERR_GET_REASON(error) >= 0xA0 && ERR_GET_REASON(error) <= 0xA4)
            refused = 1;
    return refused;
}

static EVP_PKEY *provided_key(const char *uri, const char *pin) {
    struct password password = {pin, 0};
    UI_METHOD *ask = token.UI_UTIL_wrap_read_pem_callback(mm_give_password, 0);
    OSSL_STORE_CTX *store = token.OSSL_STORE_open(uri, ask, &password, NULL, NULL);
    EVP_PKEY *key = NULL;
    while (store && !key && !token.OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *found = token.OSSL_STORE_load(store);
        if (!found) break;
        key = token.OSSL_STORE_INFO_get1_PKEY(found);
        token.OSSL_STORE_INFO_free(found);
    }
    if (store) token.OSSL_STORE_close(store);
    if (ask) token.UI_destroy_method(ask);
    return key;
}

// Opens the engine, once per process: its keys live as long as the engine.
static int open_engine(const char *module) {
    const char *wanted = module ? module : "";
    if (engine && strcmp(engine_module, wanted) == 0) return MM_CREDENTIAL_READ;
    // The engine opens the library only for the first key, and then says just that it found none.
    if (*wanted && !dlopen(wanted, RTLD_LAZY | RTLD_LOCAL)) return MM_CREDENTIAL_NO_LIBRARY;
    if (engine) return MM_CREDENTIAL_OTHER_MODULE;
    if (!token.ENGINE_by_id || !token.OPENSSL_init_crypto) return MM_CREDENTIAL_NO_MODULE;
    token.OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
    ENGINE *found = token.ENGINE_by_id("pkcs11");
    if (!found) return MM_CREDENTIAL_NO_MODULE;
    if ((*wanted && token.ENGINE_ctrl_cmd_string(found, "MODULE_PATH", wanted, 0) != 1) ||
        token.ENGINE_init(found) != 1 || !(engine_module = strdup(wanted))) {
        token.ENGINE_free(found);
        return MM_CREDENTIAL_NO_MODULE;
    }
    engine = found;
    return MM_CREDENTIAL_READ;
}

static EVP_PKEY *engine_key(const char *uri, const char *module, const char *pin, int *fault) {
    *fault = open_engine(module);
    if (*fault != MM_CREDENTIAL_READ) return NULL;
    // The engine keeps its last PIN, which may be another token's, and would log in with it. It can't be told to forget
    // it, so an empty one takes its place.
    if (pin || engine_has_pin) token.ENGINE_ctrl_cmd_string(engine, "PIN", pin ? pin : "", 0);
    engine_has_pin = pin != NULL;
    EVP_PKEY *key = token.ENGINE_load_private_key(engine, uri, token.UI_null ? (UI_METHOD *)token.UI_null() : NULL, NULL);
    if (!key) *fault = pin && pin_refused() ? MM_CREDENTIAL_WRONG_PIN : MM_CREDENTIAL_NO_TOKEN_KEY;
    return key;
}

void *mm_credential_open(const uint8_t *certificate, int certificate_count, const char *uri, const char *module,
                         const char *pin, int *fault) {
    *fault = MM_CREDENTIAL_UNREADABLE;
    if (mm_openssl_load()) return NULL;
    struct credential *credential = calloc(1, sizeof *credential);
    if (!credential) return NULL;
    pthread_once(&once, find_provider);
    pthread_mutex_lock(&turn);
    ssl.ERR_clear_error();
    *fault = MM_CREDENTIAL_READ;
    // OpenSSL's configuration sets the provider's module, so a different module needs the engine.
    if (has_provider && !module) credential->key = provided_key(uri, pin);
    // A token locks after a few wrong PINs, so a PIN that was refused isn't passed to the engine.
    if (!credential->key && pin_refused()) *fault = MM_CREDENTIAL_WRONG_PIN;
    if (!credential->key && *fault == MM_CREDENTIAL_READ) credential->key = engine_key(uri, module, pin, fault);
    if (!credential->key && has_provider && *fault == MM_CREDENTIAL_NO_MODULE) *fault = MM_CREDENTIAL_NO_TOKEN_KEY;
    ssl.ERR_clear_error();
    pthread_mutex_unlock(&turn);
    int any = 0;
    if (credential->key) {
        credential->certificate = mm_pem_certificate(certificate, certificate_count, credential->key, &any);
        if (!credential->certificate) *fault = any ? MM_CREDENTIAL_OTHER_KEY : MM_CREDENTIAL_NO_CERTIFICATE;
        ssl.ERR_clear_error();
    }
    if (credential->certificate) return credential;
    mm_credential_free(credential);
    return NULL;
}
