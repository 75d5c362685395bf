// fake_keeld ROOT N: serves N units that are all up on ROOT/run/keel/control.sock, and pages on a
// port of the kernel's choice, which it prints. Ends when its standard input does.
#include "control/server.hpp"
#include "metrics/page.hpp"
#include "sys/loop.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

int main(int count, char** words)
{
    using namespace keel;
    int units = 0;
    if (count != 3 ||
        std::from_chars(words[2], words[2] + std::strlen(words[2]), units).ec != std::errc{}) {
        (void)std::fputs("usage: fake_keeld ROOT N\n", stderr);
        return 2;
    }
    const std::string run = std::string(words[1]) + "/run/keel";
    std::filesystem::create_directories(run);

    sys::UvLoop loop;
    test::FakeSupervisor engine;
    for (int i = 1; i <= units; ++i)
        engine.put(test::unit_up("unit-" + std::to_string(i)));
    metrics::Page page(loop, engine, {}, nullptr, "1");
    test::FakeConfigurer configurer;
    control::ControlServer server(
        {loop, engine, std::make_shared<test::FakeLogs>(),
         [&page](std::function<void(control::MetricsPage)> give) { page.get(std::move(give)); },
         configurer},
        {.version = "1"});
    if (const auto listening = server.listen_on_socket(run + "/control.sock"); !listening) {
        (void)std::fprintf(stderr, "%s\n", listening.error().text().c_str());
        return 1;
    }
    const auto port = server.listen_for_pages("127.0.0.1:0");
    std::printf("%u\n", port ? *port : 0U);
    (void)std::fflush(stdout);
    const auto input = loop.watch_fd(STDIN_FILENO, ports::Interest::readable, [&](ports::FdEvents) {
        char ignored[256];
        if (::read(STDIN_FILENO, ignored, sizeof ignored) <= 0) loop.stop();
    });
    loop.run();
}
