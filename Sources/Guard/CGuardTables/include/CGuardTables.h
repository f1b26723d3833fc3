#ifndef CGUARDTABLES_H
#define CGUARDTABLES_H

#include <stddef.h>

/// The tables of the guard, compiled into read-only data and read in place. Tools/GuardTables makes the files.
struct CGuardTable {
    const void *_Nonnull bytes;
    size_t length;
};

/// Path templates of Microsoft Graph with the least permission of each call.
struct CGuardTable cguard_graph_paths(void);
/// Rules that say the class of a request, for each service.
struct CGuardTable cguard_request_rules(void);
/// Cmdlets with classes and parameters, aliases, automatic variables, verbs.
struct CGuardTable cguard_cmdlets(void);
/// What only looks, of programs for a shell: a text, as it says at its beginning.
struct CGuardTable cguard_shell_looks(void);
/// The lists of names by which commands in a shell are judged: a text, as it says at its beginning.
struct CGuardTable cguard_shell_words(void);
/// What the words of clients do: a text, as it says at its beginning.
struct CGuardTable cguard_shell_clients(void);
/// The texts in the words of programs, and the options that do more than read: a text, as it says at its beginning.
struct CGuardTable cguard_shell_texts(void);
#endif
