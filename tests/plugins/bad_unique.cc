// bad_unique.cc - C++ that the C library will not unmap: a unique symbol, and a thread_local object
// whose destructor is pending.
#include <gantry.h>

extern "C" {
const gantry_host *gantry_host_;
extern GANTRY_EXPORT const gantry_descriptor gantry_plugin_v1;
}

namespace
{

struct counter {
    int value = 0;
    ~counter()
    {
        value = -1;
    }
};
thread_local counter per_thread;

} // namespace

__attribute__((visibility("default"))) inline counter &shared()
{
    static counter one;
    return one;
}

namespace
{

int run(gantry_call *call, const void *)
{
    return gantry_text(call, "%d %d", ++shared().value, ++per_thread.value);
}

constexpr gantry_tool make_tool()
{
    gantry_tool t{};
    t.size = sizeof(gantry_tool);
    t.arg_size = sizeof(gantry_arg);
    t.name = "unique";
    t.description = "Counts";
    t.run = run;
    return t;
}
const gantry_tool tool = make_tool();
const gantry_tool *const tools[] = {&tool, nullptr};

constexpr gantry_descriptor make_descriptor()
{
    gantry_descriptor d{};
    d.size = sizeof(gantry_descriptor);
    d.abi_major = GANTRY_ABI_MAJOR;
    d.abi_minor = GANTRY_ABI_MINOR;
    d.sdk = __VERSION__;
    d.host = &gantry_host_;
    d.name = "unique";
    d.version = "1.0.0";
    d.tools = tools;
    return d;
}

} // namespace

const gantry_descriptor gantry_plugin_v1 = make_descriptor();
