#include "reports/model/json_writer.h"

#include <nlohmann/json.hpp>

namespace vfsprof::reports {

void append_json(std::string& out, std::string_view text) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_json(std::string& out, double value) { out += nlohmann::json(value).dump(); }

}  // namespace vfsprof::reports
