/* client_skills.c - loading a skill: nothing of it is used that has not been verified. */
#include "client_skills.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FENCE "---\n"

static bool refuse(const char *uri, const char *why)
{
    fprintf(stderr, "%s: %s: the skill is not loaded\n", uri, why);
    return false;
}

/* Size and digest of the file are those of its entry. */
static bool verify_file(const char *text, size_t size, const gantry_json *file)
{
    const char *uri = gantry_read_text(file, "/uri"), *digest = gantry_read_text(file, "/digest");
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1], own[sizeof(hex) + 8];
    if (gantry_read_int(file, "/size", -1) != (int64_t)size)
        return refuse(uri, "another size than its entry has");
    crypto_hash_sha256(hash, (const unsigned char *)text, size);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(own, sizeof(own), "sha256:%s", hex);
    if (!digest || strcmp(own, digest) != 0)
        return refuse(uri, "another digest than its entry has");
    return true;
}

/* The lines between the fences are those of the entry's frontmatter, each "name: text". What else
 * YAML could write there is not what the entry says. */
static bool verify_frontmatter(const char *text, const gantry_json *entry)
{
    const gantry_json *wanted = gantry_read(entry, "/frontmatter");
    const char *uri = gantry_read_text(entry, "/uri");
    size_t count = 0;
    if (strncmp(text, FENCE, strlen(FENCE)) != 0)
        return refuse(uri, "no frontmatter");
    const char *line = text + strlen(FENCE);
    while (*line && strncmp(line, FENCE, strlen(FENCE)) != 0) {
        char pointer[128];
        size_t len = strcspn(line, "\n"), name = strcspn(line, ":\n");
        if (name + 2 > len || name > sizeof(pointer) - 2)
            return refuse(uri, "a frontmatter that cannot be compared");
        snprintf(pointer, sizeof(pointer), "/%.*s", (int)name, line);
        const char *value = gantry_read_text(wanted, pointer);
        if (!value || strlen(value) != len - name - 2 || strncmp(line + name, ": ", 2) != 0 ||
            strncmp(line + name + 2, value, len - name - 2) != 0)
            return refuse(uri, "another frontmatter than its entry has");
        line += len + (line[len] == '\n');
        count++;
    }
    return count == gantry_read_count(wanted, "") && *line
               ? true
               : refuse(uri, "less frontmatter than its entry has");
}

static bool load_file(gantry_client *client, const gantry_json *file, const gantry_json *skill)
{
    const char *uri = gantry_read_text(file, "/uri");
    gantry_request *r = gantry_client_read_resource(client, uri, NULL);
    bool is_good = gantry_request_wait(r) == GANTRY_CLIENT_OK;
    size_t size = 0;
    const char *text = gantry_read_bytes(gantry_request_result(r), "/contents/0/text", &size);
    if (!is_good || !text)
        is_good = refuse(uri, is_good ? "no text" : gantry_request_message(r));
    else
        is_good = verify_file(text, size, file) && (!skill || verify_frontmatter(text, skill));
    gantry_request_free(r);
    return is_good;
}

bool client_load_skill(gantry_client *client, const gantry_json *entry)
{
    const gantry_json *files = gantry_read(entry, "/resources"), *v = NULL, *first = NULL;
    const char *uri = gantry_read_text(entry, "/uri");
    while (uri && !first && (v = gantry_read_next(files, v))) {
        const char *own = gantry_read_text(v, "/uri");
        first = own && strcmp(own, uri) == 0 ? v : NULL;
    }
    if (!first)
        return refuse(uri ? uri : "a skill", "no entry for its SKILL.md");
    if (!load_file(client, first, entry))
        return false;
    for (v = NULL; (v = gantry_read_next(files, v));) {
        if (v != first && !load_file(client, v, NULL))
            return false;
    }
    return true;
}
