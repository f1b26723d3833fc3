#include "CGuardTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char graph_paths[] = {
#embed "Tables/graph-paths.bin"
};

static const _Alignas(8) unsigned char request_rules[] = {
#embed "Tables/request-rules.bin"
};

static const _Alignas(8) unsigned char cmdlets[] = {
#embed "Tables/cmdlets.bin"
};

static const unsigned char shell_looks[] = {
#embed "Tables/shell-looks.txt"
};

static const unsigned char shell_words[] = {
#embed "Tables/shell-words.txt"
};

static const unsigned char shell_clients[] = {
#embed "Tables/shell-clients.txt"
};

static const unsigned char shell_texts[] = {
#embed "Tables/shell-texts.txt"
};

struct CGuardTable cguard_graph_paths(void) {
    return (struct CGuardTable){graph_paths, sizeof graph_paths};
}

struct CGuardTable cguard_request_rules(void) {
    return (struct CGuardTable){request_rules, sizeof request_rules};
}

struct CGuardTable cguard_cmdlets(void) {
    return (struct CGuardTable){cmdlets, sizeof cmdlets};
}

struct CGuardTable cguard_shell_looks(void) {
    return (struct CGuardTable){shell_looks, sizeof shell_looks};
}

struct CGuardTable cguard_shell_words(void) {
    return (struct CGuardTable){shell_words, sizeof shell_words};
}

struct CGuardTable cguard_shell_clients(void) {
    return (struct CGuardTable){shell_clients, sizeof shell_clients};
}

struct CGuardTable cguard_shell_texts(void) {
    return (struct CGuardTable){shell_texts, sizeof shell_texts};
}
