/* client_skills.h - what conformance-client knows about skills (the extension
 * io.modelcontextprotocol/skills).
 */
#ifndef CONFORMANCE_CLIENT_SKILLS_H
#define CONFORMANCE_CLIENT_SKILLS_H

#include <gantry_client.h>
#include <stdbool.h>

/* Loads a skill by its entry of skills/list: SKILL.md first, then the files beside it; each must be
 * what the entry says. Stops at the first that is not, and says why on standard error. */
bool client_load_skill(gantry_client *client, const gantry_json *entry);

#endif
