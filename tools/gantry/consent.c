/* consent.c - questions that are answered with yes or no: going to an address, letting a model
 * answer. */
#include "ask.h"

#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLING_PROMPT "May it? y, a, n > "
#define PREVIEW_MAX 4000 /* bytes of a message that a model is to see */

/* The first letter of an answer, in lower case; 0: none. */
static char first_letter(const char *line)
{
    char c = line[strspn(line, " \t")];
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* ---------------------------------------------------------------- an address */

struct visit {
    char *message, *url, *host;
    bool is_web; /* http or https: what a browser may be told to open */
};

static void read_host(struct visit *v)
{
    CURLU *url = curl_url();
    char *host = NULL, *scheme = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, v->url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        curl_url_get(url, CURLUPART_HOST, &host, 0);
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    }
    v->host = gn_strdup(host);
    v->is_web = host && (gn_streq(scheme, "http") || gn_streq(scheme, "https"));
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(url);
}

static bool is_plain_host(const char *host)
{
    for (const char *c = host; *c; c++) {
        if ((unsigned char)*c >= 0x80)
            return false;
    }
    return !strstr(host, "xn--");
}

static void show_visit(struct gn_asked *k)
{
    struct visit *v = k->data;
    gn_asked_say_who(k, "wants you to visit an address:");
    gn_asked_say(k, GN_STYLE_NONE, 2, v->message);
    gn_asked_say_address(k, v->url);
    gn_asked_sayf(k, GN_STYLE_BOLD, 0, "Host: %s", v->host ? v->host : "none that can be read");
    if (v->host && !is_plain_host(v->host))
        gn_asked_say(
            k, GN_STYLE_YELLOW, 0,
            "This host has letters that may look like others: be sure that it is the one.");
    if (!v->is_web)
        gn_asked_say(k, GN_STYLE_YELLOW, 0,
                     "This is no address of the web: it will not be opened.");
    gn_asked_say(
        k, GN_STYLE_DIM, 0,
        "y agrees and opens it in a browser if there is one, p agrees and opens nothing; n or "
        ":decline says no, :cancel or Ctrl-D gives no answer.");
    gn_asked_prompt(k, "Agree? y, p, n > ");
}

/* False if there is none. */
static bool open_browser(struct gn_asked *k, const char *url)
{
    const char *const args[] = {"xdg-open", url, NULL};
    return (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY")) && gn_asker_start(k->asker, args);
}

static void agree(struct gn_asked *k, bool opens)
{
    struct visit *v = k->data;
    if (opens && (!v->is_web || !open_browser(k, v->url)))
        gn_asked_say(k, GN_STYLE_NONE, 0,
                     "There is no browser to open it with: please open it "
                     "yourself.");
    gantry_question_on_gone(k->question, NULL, NULL);
    if (gantry_question_accept(k->question, NULL, NULL) != GANTRY_CLIENT_OK)
        gantry_question_dismiss(k->question);
    gn_asked_end(k);
}

static void take_visit(struct gn_asked *k, const char *line)
{
    switch (first_letter(line)) {
    case 'y':
    case 'p':
        agree(k, first_letter(line) == 'y');
        return;
    case 'n':
        gn_asked_refuse(k, true);
        return;
    default:
        gn_asked_prompt(k, "Agree? y, p, n > ");
    }
}

static void refuse_visit(struct gn_asked *k, bool said_no)
{
    if (said_no)
        gantry_question_decline(k->question);
    else
        gantry_question_dismiss(k->question);
}

static void release_visit(struct gn_asked *k)
{
    struct visit *v = k->data;
    gn_free(v->message);
    gn_free(v->url);
    gn_free(v->host);
    gn_free(v);
}

static const struct gn_asked_ops visit_ops = {show_visit, take_visit, refuse_visit, release_visit};

void gn_asked_url(struct gn_asker *a, gantry_question *question, const char *message,
                  const char *url)
{
    struct visit *v = gn_calloc(1, sizeof(*v));
    v->message = gn_strdup(message ? message : "");
    v->url = gn_strdup(url);
    read_host(v);
    gn_asked_add(a, question, &visit_ops, v);
}

/* ---------------------------------------------------------------- sampling */

struct sampling {
    const gantry_json *params; /* of the question */
    bool *always;              /* the asker's: all others may, too */
    void (*then)(gantry_question *question, bool yes, void *arg);
    void *arg;
};

static void say_text(struct gn_asked *k, const char *who, const char *text, size_t len)
{
    size_t cut = gn_utf8_cut(text, len, PREVIEW_MAX);
    GN_AUTO_FREE char *shown = gn_strndup(text, cut);
    gn_asked_sayf(k, GN_STYLE_NONE, 2, "%s: %s%s", who, shown, cut < len ? "..." : "");
}

static void say_block(struct gn_asked *k, const char *who, const gantry_json *block)
{
    size_t len = 0;
    const char *text = gantry_read_bytes(block, "/text", &len);
    const char *type = gantry_read_text(block, "/type");
    if (text)
        say_text(k, who, text, len);
    else
        gn_asked_sayf(k, GN_STYLE_NONE, 2, "%s: [%s]", who, type ? type : "?");
}

static void say_message(struct gn_asked *k, const gantry_json *message)
{
    const gantry_json *content = gantry_read(message, "/content"), *block = NULL;
    const char *role = gantry_read_text(message, "/role");
    if (gantry_read_type(content, "") != GANTRY_JSON_IS_ARRAY) {
        say_block(k, role ? role : "?", content);
        return;
    }
    while ((block = gantry_read_next(content, block)))
        say_block(k, role ? role : "?", block);
}

/* What becomes of the question is for the one who asked to say. */
static void end_sampling(struct gn_asked *k, bool yes)
{
    const struct sampling s = *(struct sampling *)k->data;
    gantry_question *question = k->question;
    gantry_question_on_gone(question, NULL, NULL);
    gn_asked_end(k);
    s.then(question, yes, s.arg);
}

static void show_sampling(struct gn_asked *k)
{
    const struct sampling *s = k->data;
    const gantry_json *messages = gantry_read(s->params, "/messages"), *message = NULL;
    size_t len = 0;
    if (*s->always) { /* the person said so while this one waited */
        end_sampling(k, true);
        return;
    }
    const char *system = gantry_read_bytes(s->params, "/systemPrompt", &len);
    gn_asked_say_who(k, "wants a model to answer:");
    if (system)
        say_text(k, "system", system, len);
    while ((message = gantry_read_next(messages, message)))
        say_message(k, message);
    gn_asked_say(k, GN_STYLE_DIM, 0, "y lets it, a lets it from now on, n says no.");
    gn_asked_prompt(k, SAMPLING_PROMPT);
}

static void take_sampling(struct gn_asked *k, const char *line)
{
    char c = first_letter(line);
    *((struct sampling *)k->data)->always |= c == 'a';
    if (c == 'y' || c == 'n' || c == 'a')
        end_sampling(k, c != 'n');
    else
        gn_asked_prompt(k, SAMPLING_PROMPT);
}

static void refuse_sampling(struct gn_asked *k, bool said_no)
{
    const struct sampling *s = k->data;
    (void)said_no;
    s->then(k->question, false, s->arg);
}

static void release_sampling(struct gn_asked *k)
{
    gn_free(k->data);
}

static const struct gn_asked_ops sampling_ops = {show_sampling, take_sampling, refuse_sampling,
                                                 release_sampling};

void gn_asker_confirm_sampling(struct gn_asker *a, gantry_question *question,
                               const gantry_json *params,
                               void (*then)(gantry_question *question, bool yes, void *arg),
                               void *arg)
{
    bool *always = gn_asker_always(a);
    if (*always) {
        then(question, true, arg);
        return;
    }
    struct sampling *s = gn_calloc(1, sizeof(*s));
    *s = (struct sampling){params, always, then, arg};
    gn_asked_add(a, question, &sampling_ops, s);
}
