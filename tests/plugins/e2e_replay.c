/* e2e_replay.c - a handler with two questions and a step between them that must be done once: as a
 * coroutine and on a worker, with and without GANTRY_REPLAY. Built twice: REPLAY is in the answers,
 * so that a test can tell which generation gave them. Each step appends a line to settings.file. */
#include <gantry.h>

#include <stdio.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

typedef struct {
    const char *file;
} settings;

static const gantry_arg settings_args[] = {
    GANTRY_ARG(settings, file, "Where steps leave their mark"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *city;
} booking;

static const gantry_arg booking_args[] = {
    GANTRY_ARG(booking, city, "Where to", .default_json = "\"Oslo\""),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *name;
    int64_t seats;
} party;

static const gantry_arg party_args[] = {
    GANTRY_ARG(party, name, "Who travels", .length = {1, 40}),
    GANTRY_ARG(party, seats, "How many", .range = {1, 9}),
    GANTRY_ARGS_END,
};

/* The step: it would charge a card. */
static int charge(gantry_call *call, void *arg, const gantry_json **ret)
{
    const settings *s = gantry_settings(gantry_self(call));
    const party *p = arg;
    FILE *f = fopen(s->file, "a");
    if (!f)
        return GANTRY_EIO;
    fprintf(f, "%s\n", p->name);
    fclose(f);
    *ret = GANTRY_OBJECT(call, "charged", p->name, "seats", p->seats);
    return *ret ? GANTRY_OK : GANTRY_ETOOBIG;
}

static int book(gantry_call *call, const booking *in)
{
    party p;
    const gantry_json *charged;
    int rc = gantry_elicit(call, "party", "Who travels?", GANTRY_FORM(party, party_args), &p);
    if (rc)
        return rc;
    if ((rc = gantry_once(call, "charge", charge, &p, &charged)))
        return rc;
    if ((rc = gantry_confirm(call, "send", gantry_format(call, "Send %lld tickets to %s?",
                                                         (long long)p.seats, p.name))))
        return rc;
    return gantry_text(call, TEXT(REPLAY) ": %s to %s, charged %s %lld", p.name, in->city,
                       gantry_json_string(gantry_json_get(charged, "charged"), NULL),
                       (long long)gantry_json_int_or(charged, "seats", 0));
}

#define replayed_args booking_args
#define waiting_args booking_args
#define threaded_args booking_args

GANTRY_TOOL(replayed, booking, "May be run again", .flags = GANTRY_REPLAY)
{
    return book(call, in);
}

GANTRY_TOOL(waiting, booking, "May not")
{
    return book(call, in);
}

GANTRY_TOOL(threaded, booking, "May be run again, on a worker",
            .flags = GANTRY_REPLAY | GANTRY_BLOCKING)
{
    return book(call, in);
}

GANTRY_PLUGIN("replay", "1.0.0", GANTRY_SETTINGS(settings, settings_args),
              .tools = GANTRY_TOOLS(&replayed_tool, &waiting_tool, &threaded_tool));
