/* ws_frame.c - frames: the examples of RFC 6455 5.7, and what the rest of it forbids. */
#include "support.h"

#include "wire/ws_frame.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(ws_frame);

#define MAX 100000u

static struct gn_buf message;
static struct gn_ws_reader reader;

static void setup(void)
{
    gn_buf_init(&message, MAX);
    gn_ws_reader_init(&reader, &message, MAX);
}

static void teardown(void)
{
    gn_buf_release(&message);
}

static void start_again(void)
{
    teardown();
    setup();
}

/* Reads until there is an event or no more bytes. */
static int next(const char **data, size_t *len)
{
    return gn_ws_read(&reader, data, len);
}

static int read_all(const void *bytes, size_t len)
{
    const char *data = bytes;
    return next(&data, &len);
}

#define READ(bytes) read_all(bytes, sizeof(bytes) - 1)

/* A client's frame, with a mask of its own. */
static size_t frame(char *out, unsigned first, const char *payload, size_t len)
{
    static const unsigned char key[4] = {0x11, 0xA2, 0x33, 0xC4};
    unsigned char head[GN_WS_HEAD_MAX];
    size_t at = gn_ws_write_head(head, GN_WS_OP_TEXT, len);
    head[0] = (unsigned char)first;
    head[1] |= 0x80;
    memcpy(out, head, at);
    memcpy(out + at, key, 4);
    gn_ws_mask(out + at + 4, payload, len, key, 0);
    return at + 4 + len;
}

static int read_frame(unsigned first, const char *payload)
{
    char bytes[1024];
    return read_all(bytes, frame(bytes, first, payload, strlen(payload)));
}

static void expect_text(const char *text)
{
    cr_assert_str_eq(gn_buf_str(&message), text);
    gn_buf_clear(&message);
}

static void expect_refused(int result, int status, const char *problem)
{
    cr_assert_eq(result, GN_EPROTO);
    cr_assert_eq(reader.status, status, "%d", reader.status);
    cr_assert_str_eq(reader.problem, problem);
    cr_assert_eq(READ("\x81\x80\0\0\0\0"), GN_EPROTO, "nothing is read after an error");
    start_again();
}

Test(ws_frame, a_masked_text_message, .init = setup, .fini = teardown)
{
    cr_assert_eq(READ("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), GN_WS_MESSAGE);
    expect_text("Hello");
    cr_assert(gn_ws_reader_is_between(&reader));
}

Test(ws_frame, fragments_are_put_together_around_control_frames, .init = setup, .fini = teardown)
{
    cr_assert_eq(read_frame(0x01, "Hel"), GN_WS_MORE);
    cr_assert_not(gn_ws_reader_is_between(&reader));
    cr_assert_eq(READ("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), GN_WS_PING);
    cr_assert_eq(reader.control_len, 5);
    cr_assert_eq(memcmp(reader.control, "Hello", 5), 0);
    cr_assert_eq(read_frame(0x00, ""), GN_WS_MORE);
    cr_assert_eq(read_frame(0x8A, ""), GN_WS_PONG);
    cr_assert_eq(reader.control_len, 0);
    cr_assert_eq(read_frame(0x80, "lo"), GN_WS_MESSAGE);
    expect_text("Hello");
    cr_assert_eq(read_frame(0x81, ""), GN_WS_MESSAGE);
    cr_assert_eq(message.len, 0);
}

Test(ws_frame, what_we_write, .init = setup, .fini = teardown)
{
    unsigned char head[GN_WS_HEAD_MAX], payload[GN_WS_CONTROL_MAX];
    static const struct {
        uint64_t len;
        const char *head;
        size_t size;
    } table[] = {
        {5, "\x81\x05", 2},
        {125, "\x81\x7D", 2},
        {126, "\x81\x7E\x00\x7E", 4},
        {256, "\x81\x7E\x01\x00", 4},
        {65535, "\x81\x7E\xFF\xFF", 4},
        {65536, "\x81\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10},
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        cr_assert_eq(gn_ws_write_head(head, GN_WS_OP_TEXT, table[i].len), table[i].size);
        cr_assert_eq(memcmp(head, table[i].head, table[i].size), 0, "%zu", i);
    }
    gn_ws_write_head(head, GN_WS_OP_PONG, 0);
    cr_assert_eq(head[0], 0x8A);
    cr_assert_eq(gn_ws_write_close(payload, GN_WS_NORMAL, "bye"), 5);
    cr_assert_eq(memcmp(payload,
                        "\x03\xE8"
                        "bye",
                        5),
                 0);
    cr_assert_eq(gn_ws_write_close(payload, GN_WS_NO_STATUS, "bye"), 0);
    char reason[200];
    for (size_t i = 0; i + 1 < sizeof(reason); i += 2)
        memcpy(reason + i, "\xC3\xA4", 2);
    reason[198] = '\0';
    cr_assert_eq(gn_ws_write_close(payload, GN_WS_TOO_BIG, reason), 124, "not inside a character");
}

Test(ws_frame, every_length_and_every_cut_reads_the_same, .init = setup, .fini = teardown)
{
    static const size_t lengths[] = {0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 99999};
    static char payload[MAX], bytes[MAX + 64];
    for (size_t i = 0; i < MAX; i++)
        payload[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < GN_COUNT(lengths); i++) {
        size_t len = frame(bytes, 0x81, payload, lengths[i]);
        for (size_t piece = 1; piece < 20; piece += 3) {
            int event = GN_WS_MORE;
            for (size_t at = 0; at < len; at += piece) {
                const char *data = bytes + at;
                size_t left = GN_MIN(piece, len - at);
                cr_assert_eq(event, GN_WS_MORE);
                event = next(&data, &left);
                cr_assert_eq(left, 0);
            }
            cr_assert_eq(event, GN_WS_MESSAGE);
            cr_assert_eq(message.len, lengths[i]);
            cr_assert(message.len == 0 || memcmp(message.data, payload, message.len) == 0);
            gn_buf_clear(&message);
        }
    }
}

Test(ws_frame, a_mask_may_go_on_anywhere)
{
    static const unsigned char key[4] = {1, 2, 4, 8};
    char in[64], whole[64], pieces[64];
    memset(in, 0x5A, sizeof(in));
    gn_ws_mask(whole, in, sizeof(in), key, 0);
    for (size_t i = 0; i < sizeof(in); i++)
        cr_assert_eq(whole[i], (char)(0x5A ^ key[i % 4]));
    for (size_t cut = 0; cut <= sizeof(in); cut++) {
        gn_ws_mask(pieces, in, cut, key, 0);
        gn_ws_mask(pieces + cut, in + cut, sizeof(in) - cut, key, (unsigned)(cut % 4));
        cr_assert_eq(memcmp(whole, pieces, sizeof(in)), 0);
    }
    gn_ws_mask(whole, whole, sizeof(in), key, 0);
    cr_assert_eq(memcmp(whole, in, sizeof(in)), 0);
}

Test(ws_frame, what_is_forbidden_is_refused_by_its_head, .init = setup, .fini = teardown)
{
    static const char unknown[] = "unknown kind of frame";
    static const char shortest[] = "the length of a frame is not in its shortest form";
    expect_refused(READ("\x81\x05"), 1002, "a client's frame has no mask");
    expect_refused(READ("\xC1\x85"), 1002, "a reserved bit is set: no extension was agreed");
    expect_refused(READ("\xA1\x85"), 1002, "a reserved bit is set: no extension was agreed");
    expect_refused(READ("\x91\x85"), 1002, "a reserved bit is set: no extension was agreed");
    for (unsigned opcode = 3; opcode < 16; opcode++) {
        char bytes[2] = {(char)(0x80 | opcode), (char)0x80};
        if (opcode < 8 || opcode > 10)
            expect_refused(read_all(bytes, 2), 1002, unknown);
    }
    expect_refused(READ("\x82\x85"), 1003, "messages are text, this one is binary");
    expect_refused(READ("\x80\x85"), 1002, "a continuation, and no message has begun");
    expect_refused(READ("\x09\x80"), 1002, "a control frame is fragmented");
    expect_refused(READ("\x89\xFE"), 1002, "a control frame has more than 125 bytes");
    expect_refused(READ("\x81\xFE\x00\x7D\0\0\0\0"), 1002, shortest);
    expect_refused(READ("\x81\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0"), 1002, shortest);
    expect_refused(READ("\x81\xFF\x80\0\0\0\0\0\0\0\0\0\0\0"), 1002, shortest);
    cr_assert_eq(read_frame(0x01, "a"), GN_WS_MORE);
    expect_refused(READ("\x81\x85"), 1002, "a message begins inside another one");
}

Test(ws_frame, what_is_too_large_is_refused_before_it_comes, .init = setup, .fini = teardown)
{
    expect_refused(READ("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"), 1009,
                   "the message is too large");
    cr_assert_eq(READ("\x81\xFF\0\0\0\0\0\x01\x86\xA0\0\0\0\0"), GN_WS_MORE, "the maximum fits");
    cr_assert_eq(message.cap, 0, "nothing is kept for what has not come");
    start_again();
    cr_assert_eq(read_frame(0x01, "x"), GN_WS_MORE);
    expect_refused(READ("\x80\xFF\0\0\0\0\0\x01\x86\xA0\0\0\0\0"), 1009,
                   "the message is too large");
}

Test(ws_frame, text_must_be_utf_8_as_a_whole, .init = setup, .fini = teardown)
{
    cr_assert_eq(read_frame(0x01, "\xC3"), GN_WS_MORE);
    cr_assert_eq(read_frame(0x80, "\xA4"), GN_WS_MESSAGE);
    expect_text("\xC3\xA4");
    expect_refused(read_frame(0x81, "\xC3"), 1007, "the message is not UTF-8");
    expect_refused(read_frame(0x81, "\xED\xA0\x80"), 1007, "the message is not UTF-8");
}

Test(ws_frame, close_frames, .init = setup, .fini = teardown)
{
    static const int valid[] = {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999};
    static const int invalid[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
    char payload[8], bytes[64];
    cr_assert_eq(read_frame(0x88, ""), GN_WS_CLOSE);
    cr_assert_eq(reader.status, GN_WS_NO_STATUS);
    for (size_t i = 0; i < GN_COUNT(valid); i++) {
        start_again();
        snprintf(payload, sizeof(payload), "%c%cend", valid[i] >> 8, valid[i] & 255);
        cr_assert_eq(read_all(bytes, frame(bytes, 0x88, payload, 5)), GN_WS_CLOSE);
        cr_assert_eq(reader.status, valid[i]);
    }
    start_again();
    for (size_t i = 0; i < GN_COUNT(invalid); i++) {
        snprintf(payload, sizeof(payload), "%c%c", invalid[i] >> 8, invalid[i] & 255);
        expect_refused(read_all(bytes, frame(bytes, 0x88, payload, 2)), 1002,
                       "a Close frame with a status that may not be sent");
    }
    expect_refused(read_frame(0x88, "\x03"), 1002, "half a status in a Close frame");
    expect_refused(read_frame(0x88, "\x03\xE8\xFF"), 1007,
                   "the reason in a Close frame is not UTF-8");
}

Test(ws_frame, what_a_server_sends_has_no_mask, .init = setup, .fini = teardown)
{
    static const unsigned char key[GN_WS_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char head[GN_WS_HEAD_MAX + GN_WS_MASK_BYTES];
    static char bytes[70000];
    gn_ws_reader_init_client(&reader, &message, MAX);
    cr_assert_eq(READ("\x81\x05Hello"), GN_WS_MESSAGE);
    expect_text("Hello");
    cr_assert_eq(READ("\x01\x03Hel\x89\x01x"), GN_WS_PING);
    cr_assert_eq(reader.control[0], 'x');
    cr_assert_eq(READ("\x80\x02lo"), GN_WS_MESSAGE);
    expect_text("Hello");
    cr_assert_eq(READ("\x88\x02\x03\xE9"), GN_WS_CLOSE);
    cr_assert_eq(reader.status, GN_WS_GOING_AWAY);
    static const size_t lengths[] = {0, 125, 126, 65535, 65536};
    for (size_t i = 0; i < GN_COUNT(lengths); i++) {
        size_t at = gn_ws_write_head((unsigned char *)bytes, GN_WS_OP_TEXT, lengths[i]);
        memset(bytes + at, 'a', lengths[i]);
        cr_assert_eq(read_all(bytes, at + lengths[i]), GN_WS_MESSAGE);
        cr_assert_eq(message.len, lengths[i]);
        gn_buf_clear(&message);
    }
    cr_assert_eq(READ("\x81\x85"), GN_EPROTO);
    cr_assert_str_eq(reader.problem, "a server's frame has a mask");
    cr_assert_eq(gn_ws_write_masked_head(head, GN_WS_OP_TEXT, 5, key), 6);
    cr_assert_eq(memcmp(head, "\x81\x85\x37\xfa\x21\x3d", 6), 0);
    cr_assert_eq(gn_ws_write_masked_head(head, GN_WS_OP_TEXT, 65536, key), 14);
    cr_assert_eq(head[1], 0xFF);
}

Test(ws_frame, a_server_is_known_by_its_answer_to_the_key)
{
    char accept[GN_WS_ACCEPT_MAX];
    gn_ws_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
    cr_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455 1.3");
    gn_ws_accept(accept, "x3JJHMbDL1EzLkh9GBhXDw==");
    cr_assert_str_eq(accept, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=", "RFC 6455 errata, RFC 8441");
    static const struct {
        size_t len;
        const char *accept;
    } table[] = {
        /* around the ends of blocks */
        {0, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="},   {3, "c84VhcXY0qh8kvyuqja3doppN3A="},
        {19, "tWclcP21hrR+xgjYVswtQRW71GQ="},  {20, "tSsjsIAvEVIQ+IC5K8+T/OkG8nU="},
        {27, "qUNe7W8rvas6tQS5F4QBTf/JpvE="},  {28, "x9bmfLYIxLMaaT5h0sFuRlAhhb8="},
        {199, "xvTfz6JdcoVr4WijEdPtMs7VjKo="},
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        char key[200] = {0};
        memset(key, 'k', table[i].len);
        gn_ws_accept(accept, key);
        cr_assert_str_eq(accept, table[i].accept, "%zu", table[i].len);
    }
}
