// ask.cc - the same in C++, on a loop of its own, beside the header for plugins. Its names are
// those that the library has inside.
#include <gantry.h>
#include <gantry_client.h>

#include <cstdio>
#include <memory>
#include <string>
#include <uv.h>

extern "C" __attribute__((visibility("default"))) void *gn_calloc(size_t, size_t)
{
    std::puts("the library calls a function of the program");
    return nullptr;
}

static void on_greeted(gantry_request *r, void *arg)
{
    auto *status = static_cast<gantry_client_status *>(arg);
    *status = gantry_request_status(r);
    std::printf("%s\n", *status == GANTRY_CLIENT_OK ? gantry_request_text(r)
                                                    : gantry_request_message(r));
    gantry_client_close(gantry_request_client(r), nullptr, nullptr);
}

int main(int, char **argv)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    gantry_client_options options{};
    options.size = sizeof(options);
    options.command = argv + 1;
    options.loop = &loop;
    gantry_client *client = gantry_client_new(&options, nullptr);
    gantry_client_status status = GANTRY_CLIENT_ERROR;
    gantry_request_options how{};
    how.size = sizeof(how);
    how.on_done = on_greeted;
    how.arg = &status;
    std::unique_ptr<char, void (*)(void *)> arguments(gantry_format_json("{'name': %s}", "Ada"),
                                                      gantry_client_free);
    gantry_client_call_tool(client, "greet", arguments.get(), &how);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && status == GANTRY_CLIENT_OK ? 0 : 1;
}
