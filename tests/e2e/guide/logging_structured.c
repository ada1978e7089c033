/* logging_structured.c - from the guide's chapter "Server-Side Logging": Structured Logging
 * Configuration.
 *
 * How lines are processed, buffered and written is the operator's to say, in the configuration; a
 * plugin says what happened, as a message and fields. What is logged of the scope (request_id) is
 * part of every line.
 */
#include <gantry.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const gantry_var request_id = GANTRY_VAR("request_id", GANTRY_VALUE_TEXT,
                                                .flags = GANTRY_VAR_LOGGED);

GANTRY_MIDDLEWARE(context, GANTRY_ON_CALL_TOOL)
{
    gantry_set_text(call, &request_id, gantry_format(call, "req_%s", gantry_call_id(call)));
    return gantry_next(call);
}

/* Reading blocks, so it is done by gantry_work(). */
typedef struct {
    const char *path;
    FILE *file;
    long size;
    char chunk[4096];
    size_t read;
} reader;

static int reader_open(void *arg)
{
    reader *r = arg;
    r->file = fopen(r->path, "rb");
    if (!r->file || fseek(r->file, 0, SEEK_END) || (r->size = ftell(r->file)) < 0)
        return GANTRY_ENOENT;
    rewind(r->file);
    return GANTRY_OK;
}

static int reader_next(void *arg)
{
    reader *r = arg;
    r->read = fread(r->chunk, 1, sizeof r->chunk, r->file);
    return ferror(r->file) ? GANTRY_EIO : GANTRY_OK;
}

static int64_t count_patterns(const char *chunk, size_t n)
{
    int64_t count = 0;
    for (const char *end = chunk + n; (chunk = memchr(chunk, '!', (size_t)(end - chunk))); chunk++)
        count++;
    return count;
}

typedef struct {
    const char *file_path;
} analyze_file_in;

static const gantry_arg analyze_file_args[] = {
    GANTRY_ARG(analyze_file_in, file_path, "Which file"),
    GANTRY_ARGS_END,
};

typedef struct {
    gantry_ints results;
} analyze_file_out;

static const gantry_arg analyze_file_fields[] = {
    GANTRY_ARG(analyze_file_out, results, "Exclamation marks in each chunk of the file"),
    GANTRY_ARGS_END,
};

static int analyze(gantry_call *call, reader *r)
{
    int64_t results[64], total = 0;
    size_t chunks = 0;
    int rc;

    gantry_log_with(call, GANTRY_INFO, NULL,
                    GANTRY_FIELDS("file_path", r->path, "file_size", r->size),
                    "File analysis started");
    while (!(rc = gantry_work(call, reader_next, r)) && r->read > 0) {
        if (chunks == sizeof results / sizeof *results)
            return gantry_fail(call, "%s is too large", r->path);
        int64_t found = results[chunks++] = count_patterns(r->chunk, r->read);
        total += found;
        gantry_log_with(
            call, GANTRY_DEBUG, NULL,
            GANTRY_FIELDS("chunk_number", chunks, "chunk_size", r->read, "patterns_found", found),
            "Chunk processed");
    }
    if (rc)
        return rc;
    gantry_log_with(call, GANTRY_INFO, NULL,
                    GANTRY_FIELDS("total_chunks", chunks, "patterns_found", total),
                    "File analysis completed");
    return gantry_structured(call, &(analyze_file_out){.results = {chunks, results}});
}

GANTRY_TOOL(analyze_file, analyze_file_in, "File analysis with structured logging",
            GANTRY_OUTPUT(analyze_file_out, analyze_file_fields))
{
    reader *r = gantry_alloc(call, sizeof *r);
    if (!r)
        return GANTRY_ETOOBIG;
    r->path = in->file_path;
    int rc = gantry_work(call, reader_open, r);
    rc = rc == GANTRY_ENOENT ? gantry_fail(call, "Cannot read %s", r->path)
         : rc                ? rc
                             : analyze(call, r);
    if (r->file)
        fclose(r->file);
    return rc;
}

GANTRY_PLUGIN("logging_structured", "1.0.0", .middleware = GANTRY_MIDDLEWARES(&context_middleware),
              .tools = GANTRY_TOOLS(&analyze_file_tool));
