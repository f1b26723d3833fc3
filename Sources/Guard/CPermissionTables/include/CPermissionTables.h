#ifndef CPERMISSIONTABLES_H
#define CPERMISSIONTABLES_H

#include <stddef.h>

/// A table compiled into read-only data and read in place. Tools/PermissionTables makes the file.
struct CPermissionTable {
    const void *_Nonnull bytes;
    size_t length;
};

/// Which permissions the calls of Microsoft Graph need.
struct CPermissionTable cpermission_calls(void);
/// Which roles of Entra ID, Exchange and Azure open what, as JSON.
struct CPermissionTable cpermission_roles(void);
#endif
