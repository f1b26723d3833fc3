#include "CPowerShellResources.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bootstrap[] = {
#embed "Resources/bootstrap.ps1"
};

static const unsigned char own_sign_in[] = {
#embed "Resources/own-sign-in.ps1"
};

static const unsigned char other_modules[] = {
#embed "Resources/other-modules.ps1"
};

static const unsigned char transcripts[] = {
#embed "Resources/transcripts.jsonl"
};

struct CPowerShellText cpowershell_bootstrap(void) {
    return (struct CPowerShellText){bootstrap, sizeof bootstrap};
}

struct CPowerShellText cpowershell_own_sign_in(void) {
    return (struct CPowerShellText){own_sign_in, sizeof own_sign_in};
}

struct CPowerShellText cpowershell_other_modules(void) {
    return (struct CPowerShellText){other_modules, sizeof other_modules};
}

struct CPowerShellText cpowershell_transcripts(void) {
    return (struct CPowerShellText){transcripts, sizeof transcripts};
}
