// docs/generated/metrics.md, written from the catalogue.
#pragma once
#include <string>

namespace keel::metrics {

std::string catalogue_as_markdown();

} // namespace keel::metrics
