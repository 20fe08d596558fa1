#include "harness/scenario/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "harness/error.h"
#include "harness/scenario/json_reader.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/recording_order.h"
#include "harness/scenario/scenario_checks.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::uint64_t kMostClients = 64;
/// Under which set-up opens the files that exist at the start.
constexpr std::uint32_t kPrefillFd = 0;
constexpr std::array<std::string_view, 2> kTimings{"closed", "recorded"};
constexpr std::array<std::string_view, 3> kExisting{"file", "directory", "symlink"};

[[noreturn]] void throw_no_recording(const std::string& origin) {
  throw BadInput(fmt::format(
      "{}: a recording's first line has the scenario's keys without \"jobs\", and every "
      "other line is an operation, something that \"exists\", or the \"end\"",
      origin));
}

/// How fast a replay is against the recording.
double read_speed(const JsonNode& node) {
  const double speed = node.value.is_number() ? node.value.get<double>() : 0;
  if (speed < 0.001 || speed > 1000) reject(node, "give a number from 0.001 to 1000");
  return speed;
}

/// What the first line says beyond a scenario's keys.
struct Header {
  json keys;  ///< those of a scenario
  bool has_format = false;
  bool is_timed = false;
  double speed = 1;
};

Header read_header(std::string_view line, const std::string& origin) {
  const std::string place = origin + ", line 1";
  Header header{.keys = parse_strictly(line, place)};
  const JsonNode node{header.keys, "", place};
  if (!header.keys.is_object() || header.keys.contains("jobs")) throw_no_recording(origin);
  if (header.keys.contains("filesets")) {
    reject(node.at("filesets"), "does not go with a recording: leave it out");
  }
  if (header.keys.contains("schedule")) {
    reject(node.at("schedule"), "a recording keeps its own order: leave it out");
  }
  if (header.keys.contains("format")) {
    read_integer(node.at("format"), {kRecordingFormat, kRecordingFormat});
    header.has_format = true;
  }
  if (header.keys.contains("source")) read_line_of_text(node.at("source"), 200);
  if (header.keys.contains("pace")) {
    header.is_timed = read_choice(node.at("pace"), kTimings) == 1;
  }
  if (header.keys.contains("speed")) header.speed = read_speed(node.at("speed"));
  for (const char* key : {"format", "source", "pace", "speed"}) header.keys.erase(key);
  return header;
}

/// What exists at the start: made by one client, parents first.
class Existing {
 public:
  Existing(Recording& recording, const std::vector<std::string>& names)
      : recording_(recording), names_(names) {}

  void add(const JsonNode& node, OperationReader& reader) {
    constexpr std::array<std::string_view, 5> kAllowed{"exists", "path", "size", "mode", "target"};
    constexpr std::array<std::string_view, 2> kRequired{"exists", "path"};
    check_keys(node, kAllowed, kRequired);
    const std::size_t type = read_choice(node.at("exists"), kExisting);
    if (type != 0 && node.value.contains("size")) reject(node.at("size"), "only a file has a size");
    if ((type == 2) != node.value.contains("target")) {
      reject(node, "a symlink, and nothing else, has a \"target\"");
    }
    Entry entry{.name = reader.read_path(node.at("path")), .is_directory = type == 1};
    if (node.value.contains("size")) {
      entry.size = read_size(node.at("size"), {0, kMaxDiskBudget});
    }
    if (type == 2) entry.target = reader.read_target(node.at("target"), entry.name);
    if (!entries_.try_emplace(names_[entry.name], entry).second) {
      reject(node.at("path"), "exists already: name it once");
    }
  }

  /// Parents first: a path stands behind the directory that it lies in.
  void make(OperationList& list, RecordingOrder& order, const std::string& origin) {
    for (const auto& [path, entry] : entries_) {
      const std::size_t slash = path.rfind('/');
      if (slash != std::string::npos) {
        const auto parent = entries_.find(path.substr(0, slash));
        if (parent == entries_.end() || !parent->second.is_directory) {
          throw BadInput(fmt::format(
              "{}: '{}' exists at the start, and the directory that it lies in does not: add "
              R"({{"exists": "directory", "path": "{}"}})",
              origin, path, path.substr(0, slash)));
        }
      }
      add_operations(entry, list.setup);
      order.add_existing(entry.name, entry.is_directory, entry.size);
      ++(entry.is_directory ? recording_.existing_directories : recording_.existing_files);
      recording_.existing_bytes += entry.size;
    }
  }

 private:
  struct Entry {
    std::uint32_t name = 0;
    bool is_directory = false;
    std::uint64_t size = 0;
    std::optional<std::uint32_t> target = {};
  };

  static void add_operations(const Entry& entry, std::vector<Operation>& out) {
    if (entry.is_directory) {
      out.push_back({.kind = OperationKind::kMkdir, .file = entry.name, .argument = 0755});
      return;
    }
    if (entry.target) {
      out.push_back({.kind = OperationKind::kSymlink,
                     .flags = kLinkVerbatim,
                     .file = entry.name,
                     .other = *entry.target});
      return;
    }
    const auto at = [&](OperationKind kind) {
      return Operation{.kind = kind, .file = entry.name, .fd = kPrefillFd, .argument = 0644};
    };
    out.push_back(at(OperationKind::kCreate));
    for (std::uint64_t offset = 0; offset < entry.size; offset += kPrefillBytes) {
      out.push_back(at(OperationKind::kWrite));
      out.back().offset = offset;
      out.back().size = std::min(kPrefillBytes, entry.size - offset);
    }
    out.push_back(at(OperationKind::kClose));
  }

  Recording& recording_;
  const std::vector<std::string>& names_;
  std::map<std::string, Entry> entries_;
};

/// An operation of the recording, where it stands in it.
struct Listed {
  std::uint32_t client = 0;
  std::uint64_t line = 0;
  Operation operation;
};

class RecordingReader {
 public:
  RecordingReader(std::string_view text, const std::string& origin)
      : text_(text), origin_(origin), recording_(std::make_shared<Recording>()) {}

  Scenario read() {
    const std::string_view first = next_line();
    header_ = read_header(first, origin_);
    recording_->header = first;
    recording_->lines = text_;
    while (!text_.empty()) {
      const std::string_view line = next_line();
      if (!line.empty()) read_line(line);
    }
    if (listed_.empty()) throw_no_recording(origin_);
    if (header_.has_format && !ended_) {
      throw BadInput(fmt::format(
          "{} was cut off: its last line, which begins with {{\"end\", is missing; record it again",
          origin_));
    }
    put_in_order();
    return make_scenario();
  }

 private:
  std::string_view next_line() {
    const std::size_t end = std::min(text_.find('\n'), text_.size());
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++line_;
    return line;
  }

  void read_line(std::string_view line) {
    const std::string place = fmt::format("{}, line {}", origin_, line_);
    if (ended_) throw BadInput(fmt::format("{}: nothing may stand behind the \"end\"", place));
    const json value = parse_strictly(line, place);
    const JsonNode node{value, "", place};
    if (value.is_object() && value.contains("exists")) return existing_.add(node, reader_);
    if (value.is_object() && value.contains("end")) return read_end(node.at("end"));
    if (!value.is_object() || !value.contains("client")) {
      reject(node, "give an operation with the number of its \"client\"");
    }
    if (listed_.size() == kMaxOperations) {
      throw BadInput(
          fmt::format("{}: more than {} operations: cut the recording", place, kMaxOperations));
    }
    const std::uint64_t client = read_integer(node.at("client"), {0, kMostClients - 1});
    listed_.push_back({static_cast<std::uint32_t>(client), line_, reader_.read(node)});
  }

  void read_end(const JsonNode& node) {
    constexpr std::array<std::string_view, 2> kAllowed{"operations", "left_out"};
    check_keys(node, kAllowed, std::span(kAllowed).first(1));
    const JsonNode count = node.at("operations");
    if (read_integer(count, {0, kMaxOperations}) != listed_.size()) {
      reject(count, fmt::format("the recording has {} operations: lines are missing, or too many",
                                listed_.size()));
    }
    if (node.value.contains("left_out")) {
      const JsonNode left_out = node.at("left_out");
      if (!left_out.value.is_object()) reject(left_out, "give an object of counts");
      for (const auto& item : left_out.value.items()) {
        recording_->left_out[item.key()] = read_integer(left_out.at(item.key()), {0, UINT64_MAX});
      }
    }
    ended_ = true;
  }

  /// Splits the operations by client, each with those that it waits for.
  void put_in_order() {
    std::map<std::uint32_t, std::uint32_t> numbers;  // clients that do something, one by one
    for (const Listed& listed : listed_) numbers.try_emplace(listed.client, 0);
    for (auto& [client, number] : numbers) {
      number = static_cast<std::uint32_t>(clients_.size());
      clients_.push_back(client);
    }
    lists_.resize(clients_.size());
    RecordingOrder order(recording_->names, lists_);
    existing_.make(lists_.front(), order, origin_);
    std::uint64_t last_ns = 0;
    std::array<std::uint32_t, kMaxListedFiles> opened_as{};
    for (Listed& listed : listed_) {
      Operation& operation = listed.operation;
      if (uses_open_file(operation.kind)) {
        operation.file = opened_as[operation.fd];
      } else if (opens_file(operation.kind)) {
        opened_as[operation.fd] = operation.file;
      }
      const std::string problem = order.add(numbers[listed.client], listed.line, operation);
      if (!problem.empty()) {
        throw BadInput(fmt::format("{}, line {}: {} cannot succeed: {}", origin_, listed.line,
                                   kOperationNames[static_cast<std::size_t>(operation.kind)],
                                   problem));
      }
      operation.at_ns =
          static_cast<std::uint64_t>(static_cast<double>(operation.at_ns) / header_.speed);
      lists_[numbers[listed.client]].operations.back().at_ns = operation.at_ns;
      last_ns = std::max(last_ns, operation.at_ns);
    }
    order.finish();
    recording_->operations = listed_.size();
    recording_->length = std::chrono::nanoseconds(last_ns);
    recording_->peak_bytes = order.peak_bytes();
    listed_ = {};
  }

  Scenario make_scenario() {
    json document = header_.keys;
    for (const std::uint32_t client : clients_) {
      document["jobs"].push_back({{"name", fmt::format("client-{}", client)},
                                  {"operations", json::array()},
                                  {"pace", kTimings[header_.is_timed ? 1 : 0]}});
    }
    if (!document.contains("runtime_cap")) {
      const auto cap = std::min<milliseconds>(
          std::chrono::minutes(60),
          std::chrono::minutes(2) +
              2 * std::chrono::duration_cast<milliseconds>(recording_->length));
      document["runtime_cap"] = fmt::format("{}ms", cap.count());
    }
    Scenario scenario = parse_scenario(document.dump(), origin_ + ", line 1");
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      scenario.jobs[i].operations = std::make_shared<OperationList>(std::move(lists_[i]));
    }
    scenario.document = recording_->header;
    scenario.summary += "; " + describe_replay(*recording_);
    scenario.recording = recording_;
    return scenario;
  }

  std::string_view text_;
  const std::string& origin_;
  std::shared_ptr<Recording> recording_;
  OperationReader reader_{recording_->names};
  Existing existing_{*recording_, recording_->names};
  Header header_;
  std::uint64_t line_ = 0;
  bool ended_ = false;
  std::vector<Listed> listed_;
  std::vector<std::uint32_t> clients_;
  std::vector<OperationList> lists_;
};

}  // namespace

Scenario parse_recording(std::string_view text, const std::string& origin) {
  return RecordingReader(text, origin).read();
}

void set_replay(Scenario& scenario, const ReplayOptions& options) {
  if (options.timing.empty() && options.speed == 1) return;
  if (!scenario.recording) {
    throw BadInput(
        fmt::format("scenario '{}' is no recording, so --timing and --speed have no "
                    "meaning: leave them out, or name a .jsonl file",
                    scenario.name));
  }
  json header = json::parse(scenario.recording->header);
  if (!options.timing.empty()) header["pace"] = options.timing;
  if (options.speed != 1) {
    header["speed"] = header.value("speed", 1.0) * options.speed;
    header["pace"] = "recorded";
    if (options.timing == "closed") {
      throw BadInput("--speed is of the recorded pace: leave it out, or take --timing recorded");
    }
  }
  scenario = parse_recording(header.dump() + "\n" + scenario.recording->lines, scenario.name);
}

std::string describe_replay(const Recording& recording) {
  std::string text = fmt::format("{} operations over {:.1f} s", recording.operations,
                                 std::chrono::duration<double>(recording.length).count());
  const std::uint64_t existing = recording.existing_files + recording.existing_directories;
  if (existing > 0) {
    text += fmt::format("; made beforehand: {} files with {} bytes, {} directories",
                        recording.existing_files, recording.existing_bytes,
                        recording.existing_directories);
  }
  std::string left_out;
  for (const auto& [reason, count] : recording.left_out) {
    left_out += fmt::format("{}{} ({})", left_out.empty() ? "" : ", ", reason, count);
  }
  return left_out.empty() ? text : text + "; left out by whoever recorded: " + left_out;
}

}  // namespace vfsprof::harness
