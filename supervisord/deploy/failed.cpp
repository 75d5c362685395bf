#include "deploy/failed.hpp"

#include "base/result.hpp"
#include "base/text.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace keel::deploy {

void fail_by_errno(const std::string& what, const std::string& subject)
{
    const Error error = Error::from_errno(what, printable(subject));
    throw Failed(Fault::host, error.text(), error.errno_value);
}

void say(const std::string& sentence)
{
    const std::string line = printable(sentence, 2048) + "\n";
    // In one piece, so that lines of parent and child do not mix. A log that is gone is no reason
    // to give up a deployment.
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace keel::deploy
