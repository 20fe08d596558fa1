#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/scenario/import/imported_list.h"
#include "harness/scenario/import/workload_import.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/scenario_checks.h"
#include "vfs/record/operation_line.h"

// Source: "Trace file format" of fio's HOWTO; version 3 has microseconds (fio 3.33, iolog.c).

namespace vfsprof::harness {
namespace {

constexpr std::string_view kStart = "fio version ";
constexpr std::uint64_t kMostBlockBytes = 16 << 20;

enum class Kind { kAdd, kOpen, kClose, kRead, kWrite, kSync, kDataSync, kTrim, kWait };
constexpr std::array<std::string_view, 9> kKinds{"add",  "open",     "close", "read", "write",
                                                 "sync", "datasync", "trim",  "wait"};

struct Action {
  std::uint64_t at_ns = 0;
  std::uint64_t job = 0;
  std::string file = {};
  Kind kind = Kind::kAdd;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// What the log needs of a file before it begins.
struct Extent {
  std::uint64_t end = 0;
  bool is_read = false;
};

class IologReader {
 public:
  void read(const WorkloadSource& source) {
    origin_ = source.name;
    line_ = 0;
    version_ = 0;
    delay_ns_ = 0;
    std::string_view rest = source.text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      ++line_;
      if (end > 0) read_line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (version_ == 0) reject("a fio iolog begins with 'fio version 2 iolog' or 3");
  }

  std::vector<Action> take() { return std::move(actions_); }

 private:
  [[noreturn]] void reject(const std::string& problem) const {
    throw BadInput(fmt::format("{}, line {}: {}", origin_, line_, problem));
  }

  static std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
      const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
      if (end > 0) words.push_back(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
  }

  std::uint64_t number(std::string_view word, std::uint64_t most) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value > most) {
      reject(fmt::format("'{}' is not allowed: give a number from 0 to {}", word, most));
    }
    return value;
  }

  void read_line(std::string_view line) {
    if (line.starts_with(kStart)) {
      // fio begins again for every job that writes to the same log.
      const std::string_view version = line.substr(kStart.size());
      if (version != "2 iolog" && version != "3 iolog") {
        reject(fmt::format("'{}': versions 2 and 3 are read", line));
      }
      version_ = version[0] == '2' ? 2 : 3;
      ++job_;
      delay_ns_ = 0;
      return;
    }
    if (version_ == 0) reject("a fio iolog begins with 'fio version 2 iolog' or 3");
    std::vector<std::string_view> words = words_of(line);
    Action action{.at_ns = delay_ns_, .job = job_};
    if (version_ == 3) {
      if (words.empty()) return;
      action.at_ns = number(words.front(), kMostListedBytes) * 1000;
      words.erase(words.begin());
    }
    if (words.size() < 2) reject("give a file, an action, and where it has them offset and length");
    const auto kind = std::ranges::find(kKinds, words[1]);
    if (kind == kKinds.end()) {
      reject(
          fmt::format("unknown action '{}': allowed are add, open, close, read, write, sync, "
                      "datasync, trim, wait",
                      words[1]));
    }
    action.kind = static_cast<Kind>(kind - kKinds.begin());
    action.file = words[0];
    const bool moves = action.kind == Kind::kRead || action.kind == Kind::kWrite;
    if (moves && words.size() < 4) reject("a read or write has an offset and a length");
    if (words.size() > 2) action.offset = number(words[2], kMostListedBytes);
    if (words.size() > 3)
      action.size = number(words[3], moves ? kMostBlockBytes : kMostListedBytes);
    if (action.kind == Kind::kWait) {
      delay_ns_ += action.offset * 1000;
      if (delay_ns_ > kMostListedNs) reject("the waits add up to more than twelve days");
      return;
    }
    actions_.push_back(std::move(action));
  }

  std::string origin_;
  std::uint64_t line_ = 0;
  std::uint64_t job_ = 0;
  int version_ = 0;
  std::uint64_t delay_ns_ = 0;
  std::vector<Action> actions_;
};

/// Names of the files in the recording: below --root by their path, else by their name alone,
/// numbered where two have the same.
std::map<std::string, std::string> names_of(const std::vector<Action>& actions,
                                            const std::string& root) {
  std::map<std::string, std::string> names;
  std::map<std::string, int> taken;
  for (const Action& action : actions) {
    if (names.contains(action.file)) continue;
    std::string name = std::filesystem::path(action.file).filename().string();
    if (!root.empty() && action.file.starts_with(root + "/")) {
      name = action.file.substr(root.size() + 1);
      std::ranges::replace(name, '/', '_');
    }
    if (name.empty() || name == "." || name == "..") name = "file";
    const int number = taken[name]++;
    if (number > 0) name += fmt::format(".{}", number);
    names[action.file] = vfs::printable(name);
  }
  return names;
}

class IologWriter {
 public:
  IologWriter(std::vector<Action> actions, const std::string& root)
      : actions_(std::move(actions)), names_(names_of(actions_, root)) {
    // Jobs run at the same time, each by a clock of its own.
    std::ranges::stable_sort(actions_, {}, &Action::at_ns);
    for (const Action& action : actions_) {
      Extent& extent = extents_[action.file];
      extent.end = std::max(extent.end, action.offset + action.size);
      extent.is_read = extent.is_read || action.kind == Kind::kRead;
    }
    for (const auto& [file, extent] : extents_) {
      if (extent.is_read) list_.exists(vfs::existing_file(names_[file], extent.end));
    }
  }

  ImportedWorkload write(const std::string& source) {
    for (const Action& action : actions_) add(action);
    return list_.finish("fio-iolog", source, actions_.size(), std::move(mapped_));
  }

 private:
  using Key = std::pair<std::uint64_t, std::string>;

  void add(const Action& action) {
    list_.now(action.job, action.at_ns);
    const Key key{action.job, action.file};
    const auto fd = fds_.find(key);
    const std::string kind(kKinds[static_cast<std::size_t>(action.kind)]);
    if (action.kind == Kind::kAdd) return list_.leave_out("add, which names a file");
    if (action.kind == Kind::kTrim) return list_.leave_out("trim");
    if (action.kind == Kind::kOpen) return open(action, key);
    if (fd == fds_.end()) return list_.leave_out(kind + " of a file that is not open");
    ++mapped_[kind];
    ImportedOperation operation{.op = kind == "sync" ? "fsync"
                                      : kind == "datasync"
                                          ? "fdatasync"
                                          : kKinds[static_cast<std::size_t>(action.kind)],
                                .fd = fd->second};
    if (action.kind == Kind::kRead || action.kind == Kind::kWrite) {
      operation.offset = action.offset;
      operation.size = action.size;
    }
    list_.add(std::move(operation));
    if (action.kind != Kind::kClose) return;
    list_.free_fd(fd->second);
    fds_.erase(fd);
  }

  void open(const Action& action, const Key& key) {
    if (fds_.contains(key)) return list_.leave_out("open of a file that is open");
    const auto fd = list_.take_fd();
    if (!fd) return;
    fds_[key] = *fd;
    ++mapped_["open"];
    const bool exists = extents_[action.file].is_read || !made_.insert(action.file).second;
    list_.add({.op = exists ? "open" : "create", .path = names_[action.file], .fd = fd});
  }

  std::vector<Action> actions_;
  std::map<std::string, std::string> names_;
  std::map<std::string, Extent> extents_;
  std::set<std::string> made_;
  std::map<Key, std::uint32_t> fds_;
  std::map<std::string, std::uint64_t> mapped_;
  ImportedList list_;
};

}  // namespace

bool is_fio_iolog(std::string_view start) { return start.starts_with(kStart); }

ImportedWorkload import_fio_iolog(std::span<const WorkloadSource> sources,
                                  const WorkloadImportOptions& options) {
  IologReader reader;
  std::string names;
  for (const WorkloadSource& source : sources) {
    reader.read(source);
    names += (names.empty() ? "fio iolog " : ", ") +
             std::filesystem::path(source.name).filename().string();
  }
  return IologWriter(reader.take(), options.root).write(names);
}

}  // namespace vfsprof::harness
