/* provide.h - for tests of the registry: components as plugins provide them. */
#ifndef TESTS_UNIT_REGISTRY_PROVIDE_H
#define TESTS_UNIT_REGISTRY_PROVIDE_H

#include "registry/registry.h"

/* With the key as its name (of tools and prompts), else "a name"; a template is parsed. */
struct gn_component *component(enum gn_kind kind, struct gn_owner *owner, const char *key);
/* Adds it; the edit, and then the registry, holds the only reference. */
void put(struct gn_edit *e, struct gn_component *c);
/* The same as an edit of its own; what that has changed. */
uint32_t publish(struct gn_registry *r, struct gn_component *c);

#endif
