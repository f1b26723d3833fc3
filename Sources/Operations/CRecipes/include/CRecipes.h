#ifndef CRECIPES_H
#define CRECIPES_H

#include <stddef.h>

/// Texts compiled into read-only data and read in place.
struct CRecipes {
    const void *_Nonnull bytes;
    size_t length;
};

/// The recipes, each after a line `# recipe NAME`.
struct CRecipes crecipes_all(void);
#endif
