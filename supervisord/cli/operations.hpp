// Tables of operations.
#pragma once
#include "cli/table.hpp"
#include "core/views.hpp"

#include <string>
#include <vector>

namespace keel::cli {

std::string operations_table(const std::vector<core::OperationRecord>& operations, WallTime now,
                             const Screen& screen);

} // namespace keel::cli
