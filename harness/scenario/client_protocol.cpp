#include "harness/scenario/client_protocol.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "harness/scenario/recording.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;

json encode_operations(const std::vector<reports::OperationStats>& operations) {
  json array = json::array();
  for (const reports::OperationStats& stats : operations) {
    json buckets = json::array();
    for (const auto& bucket : stats.service_time_ns.buckets())
      buckets.push_back({bucket.index, bucket.count});
    array.push_back({{"kind", stats.kind},
                     {"count", stats.count},
                     {"errors", stats.errors},
                     {"bytes", stats.bytes},
                     {"sum_ns", stats.service_time_ns.sum()},
                     {"max_ns", stats.service_time_ns.max()},
                     {"buckets", std::move(buckets)}});
  }
  return array;
}

reports::OperationStats decode_operation(const json& item) {
  reports::OperationStats stats;
  stats.kind = item.at("kind");
  stats.count = item.at("count");
  stats.errors = item.at("errors");
  stats.bytes = item.at("bytes");
  std::vector<reports::Histogram::Bucket> buckets;
  for (const json& bucket : item.at("buckets")) buckets.push_back({bucket.at(0), bucket.at(1)});
  stats.service_time_ns.restore(buckets, item.at("sum_ns"), item.at("max_ns"));
  return stats;
}

}  // namespace

std::string encode(const Assignment& assignment) {
  json message{{"seed", assignment.seed},
               {"settles", assignment.settles},
               {"store_is_filled", assignment.store_is_filled}};
  if (const auto& recording = assignment.scenario.recording) {
    message["recording"] = recording->header + "\n" + recording->lines;
  } else {
    message["scenario"] = to_document(assignment.scenario);
  }
  if (const auto& setup = assignment.in_process) {
    message["in_process"] = {
        {"variant", setup->variant},       {"cache_directory", setup->cache_directory},
        {"store", setup->store},           {"counter_page", setup->counter_page},
        {"engine_cpu", setup->engine_cpu}, {"lockstep", setup->lockstep}};
  }
  return message.dump();
}

Assignment decode_assignment(std::string_view line) {
  const json message = json::parse(line);
  Assignment assignment;
  if (message.contains("recording")) {
    assignment.scenario =
        parse_recording(message["recording"].get_ref<const std::string&>(), "recording");
  } else {
    assignment.scenario = parse_scenario(message.at("scenario").get<std::string>(), "scenario");
  }
  assignment.seed = message.at("seed");
  assignment.store_is_filled = message.at("store_is_filled");
  assignment.settles = message.at("settles");
  if (message.contains("in_process")) {
    const json& setup = message.at("in_process");
    assignment.in_process = {.variant = setup.at("variant"),
                             .cache_directory = setup.at("cache_directory"),
                             .store = setup.at("store"),
                             .counter_page = setup.at("counter_page"),
                             .engine_cpu = setup.at("engine_cpu"),
                             .lockstep = setup.at("lockstep")};
  }
  return assignment;
}

std::string encode(const ClientResult& result) {
  return json{{"elapsed_ns", result.elapsed_ns},
              {"cpu_ns", result.cpu_ns},
              {"results_hash", result.results_hash},
              {"failure", result.failure},
              {"operations", encode_operations(result.operations)}}
      .dump();
}

std::optional<ClientResult> decode_result(std::string_view line) {
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object()) return std::nullopt;
  ClientResult result;
  result.elapsed_ns = message.at("elapsed_ns");
  result.cpu_ns = message.at("cpu_ns");
  result.results_hash = message.at("results_hash");
  result.failure = message.at("failure");
  for (const json& item : message.at("operations"))
    result.operations.push_back(decode_operation(item));
  return result;
}

bool LineChannel::send(std::string_view line) {
  std::string message(line);
  message += '\n';
  std::string_view rest = message;
  while (!rest.empty()) {
    // A socket, so that a peer that is gone is an error here and no SIGPIPE.
    const ssize_t n = ::send(out_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> LineChannel::receive() {
  // A recording is a long line: no byte of it is looked at twice.
  std::size_t end = buffer_.find('\n', scanned_);
  if (end == std::string::npos) {
    std::array<char, 65536> chunk;
    const ssize_t n = ::read(in_, chunk.data(), chunk.size());
    if (n > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) at_end_ = true;
    end = buffer_.find('\n', scanned_);
    scanned_ = buffer_.size();
    if (end == std::string::npos) return std::nullopt;
  }
  scanned_ = 0;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

}  // namespace vfsprof::harness
