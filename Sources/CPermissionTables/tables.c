#include "CPermissionTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) unsigned char calls[] = {
#embed "Tables/permissions.bin"
};

struct CPermissionTable cpermission_calls(void) {
    return (struct CPermissionTable){calls, sizeof calls};
}
