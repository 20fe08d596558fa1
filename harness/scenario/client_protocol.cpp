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

json encode_histogram(const reports::Histogram& histogram) {
  json buckets = json::array();
  for (const auto& bucket : histogram.buckets()) buckets.push_back({bucket.index, bucket.count});
  return {{"sum", histogram.sum()}, {"max", histogram.max()}, {"buckets", std::move(buckets)}};
}

reports::Histogram decode_histogram(const json& item) {
  std::vector<reports::Histogram::Bucket> buckets;
  for (const json& bucket : item.at("buckets")) buckets.push_back({bucket.at(0), bucket.at(1)});
  reports::Histogram histogram;
  histogram.restore(buckets, item.at("sum"), item.at("max"));
  return histogram;
}

json encode_clients(const reports::ClientRound& round) {
  json clients = json::array();
  for (const reports::ClientStats& client : round.clients) {
    clients.push_back({client.job, client.operations, client.paced_operations, client.elapsed_ns,
                       client.slices, client.late_slices_ns});
  }
  return {{"slice_ns", round.slice_ns},
          {"generator_cpu_ns", round.generator_cpu_ns},
          {"calibration_operations", round.calibration_operations},
          {"late_ns", encode_histogram(round.late_ns)},
          {"clients", std::move(clients)}};
}

reports::ClientRound decode_clients(const json& item) {
  reports::ClientRound round{.slice_ns = item.at("slice_ns"),
                             .generator_cpu_ns = item.at("generator_cpu_ns"),
                             .calibration_operations = item.at("calibration_operations"),
                             .late_ns = decode_histogram(item.at("late_ns")),
                             .clients = {}};
  for (const json& client : item.at("clients")) {
    round.clients.push_back({.job = client.at(0),
                             .operations = client.at(1),
                             .paced_operations = client.at(2),
                             .elapsed_ns = client.at(3),
                             .slices = client.at(4),
                             .late_slices_ns = client.at(5)});
  }
  return round;
}

json encode_traces(const std::vector<ClientTrace>& traces) {
  json array = json::array();
  for (const ClientTrace& trace : traces)
    array.push_back({trace.operations, trace.interval, trace.checkpoints, trace.hash});
  return array;
}

std::vector<ClientTrace> decode_traces(const json& array) {
  std::vector<ClientTrace> traces;
  for (const json& item : array) {
    traces.push_back({.operations = item.at(0),
                      .interval = item.at(1),
                      .checkpoints = item.at(2),
                      .hash = item.at(3)});
  }
  return traces;
}

json encode_kept(const std::vector<KeptResult>& kept) {
  json array = json::array();
  for (const KeptResult& each : kept) array.push_back({each.operation, each.text, each.result});
  return array;
}

std::vector<KeptResult> decode_kept(const json& array) {
  std::vector<KeptResult> kept;
  for (const json& item : array) kept.push_back({item.at(0), item.at(1), item.at(2)});
  return kept;
}

json encode_operations(const std::vector<reports::OperationStats>& operations) {
  json array = json::array();
  for (const reports::OperationStats& stats : operations) {
    array.push_back({{"kind", stats.kind},
                     {"count", stats.count},
                     {"errors", stats.errors},
                     {"bytes", stats.bytes},
                     {"service_time_ns", encode_histogram(stats.service_time_ns)},
                     {"response_time_ns", encode_histogram(stats.response_time_ns)}});
  }
  return array;
}

reports::OperationStats decode_operation(const json& item) {
  reports::OperationStats stats;
  stats.kind = item.at("kind");
  stats.count = item.at("count");
  stats.errors = item.at("errors");
  stats.bytes = item.at("bytes");
  stats.service_time_ns = decode_histogram(item.at("service_time_ns"));
  stats.response_time_ns = decode_histogram(item.at("response_time_ns"));
  return stats;
}

}  // namespace

std::string encode(const Assignment& assignment) {
  json message{{"seed", assignment.seed},
               {"settles", assignment.settles},
               {"store_is_filled", assignment.store_is_filled},
               {"keeps_contents", assignment.keeps_contents},
               {"issue_priority", to_string(assignment.issue_priority)},
               {"shares_cpu", assignment.shares_cpu},
               {"watch", {assignment.watch.client, assignment.watch.first, assignment.watch.last}}};
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
  assignment.keeps_contents = message.at("keeps_contents");
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
  assignment.issue_priority = parse_issue_priority(message.at("issue_priority"));
  assignment.shares_cpu = message.at("shares_cpu");
  const json& watch = message.at("watch");
  assignment.watch = {.client = watch.at(0), .first = watch.at(1), .last = watch.at(2)};
  return assignment;
}

std::string encode(const ClientResult& result) {
  return json{{"elapsed_ns", result.elapsed_ns},
              {"cpu_ns", result.cpu_ns},
              {"results_hash", result.results_hash},
              {"failure", result.failure},
              {"issue_priority_error", result.issue_priority_error},
              {"clients", encode_clients(result.clients)},
              {"traces", encode_traces(result.traces)},
              {"kept", encode_kept(result.kept)},
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
  result.issue_priority_error = message.at("issue_priority_error");
  result.clients = decode_clients(message.at("clients"));
  result.traces = decode_traces(message.at("traces"));
  result.kept = decode_kept(message.at("kept"));
  for (const json& item : message.at("operations"))
    result.operations.push_back(decode_operation(item));
  return result;
}

std::string encode_tree(const std::string& hash, const std::vector<TreeEntry>& entries) {
  json message{{"tree_hash", hash}, {"entries", json::array()}};
  for (const TreeEntry& entry : entries) message["entries"].push_back({entry.path, entry.value});
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::string> decode_tree(std::string_view line, std::vector<TreeEntry>& entries) {
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object() || !message.contains("tree_hash")) return std::nullopt;
  for (const json& entry : message.at("entries")) {
    entries.push_back({.path = entry.at(0), .value = entry.at(1)});
  }
  return message.at("tree_hash").get<std::string>();
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
