#include "CRecipes.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Each recipe stands after a line that names it, as an owner would write it in a file of that name.
static const unsigned char recipes[] = {
#embed "Recipes/users.yaml"
,
#embed "Recipes/groups.yaml"
,
#embed "Recipes/mail.yaml"
,
#embed "Recipes/security.yaml"
,
#embed "Recipes/tenant.yaml"
};

struct CRecipes crecipes_all(void) {
    return (struct CRecipes){recipes, sizeof recipes};
}
