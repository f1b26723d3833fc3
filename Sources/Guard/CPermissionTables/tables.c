#include "CPermissionTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char calls[] = {
#embed "Tables/permissions.bin"
};

static const unsigned char roles[] = {
#embed "Tables/roles.json"
};

struct CPermissionTable cpermission_calls(void) {
    return (struct CPermissionTable){calls, sizeof calls};
}

struct CPermissionTable cpermission_roles(void) {
    return (struct CPermissionTable){roles, sizeof roles};
}
