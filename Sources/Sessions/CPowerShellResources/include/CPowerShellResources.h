#ifndef C_POWERSHELL_RESOURCES_H
#define C_POWERSHELL_RESOURCES_H

#include <stddef.h>

/// Read-only text that is part of the program.
struct CPowerShellText {
    const unsigned char *_Nonnull bytes;
    size_t count;
};

/// The PowerShell side of a session.
struct CPowerShellText cpowershell_bootstrap(void);

/// Functions in front of the cmdlets by which scripts sign in.
struct CPowerShellText cpowershell_own_sign_in(void);

/// Functions that call the cmdlets of other sessions.
struct CPowerShellText cpowershell_other_modules(void);

/// Recorded requests and the frames that a PowerShell answered them with, one JSON object a line.
struct CPowerShellText cpowershell_transcripts(void);

#endif
