#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/scenario/import/workload_import.h"

namespace vfsprof::harness {

/// An operation on its way into a recording. Empty members are left out.
struct ImportedOperation {
  std::string_view op;
  std::string path = {};
  std::string to = {};
  std::string target = {};
  std::optional<std::uint32_t> fd = {};
  std::optional<std::uint64_t> offset = {};
  std::optional<std::uint64_t> size = {};
  std::optional<unsigned> mode = {};
  std::string flags = {};
  std::optional<std::int64_t> result = {};  ///< empty: any success is right
};

/// The recording that an importer makes.
class ImportedList {
 public:
  ImportedList();

  /// Who does what follows, and when; `who` is any number, a thread's for example.
  void now(std::uint64_t who, std::uint64_t at_ns);
  /// Returns the number of the operation; nothing is added for a result that depends on the target.
  std::optional<std::size_t> add(ImportedOperation operation);
  /// An operation that was added before, to correct what was taken for granted.
  ImportedOperation& at(std::size_t number) { return operations_[number].operation; }
  void exists(std::string line) { existing_ += line; }
  void leave_out(const std::string& reason, std::uint64_t count = 1) { left_out_[reason] += count; }

  /// A number for an open file; empty, and said so, if none is free.
  std::optional<std::uint32_t> take_fd();
  void free_fd(std::uint32_t fd) { free_fds_.push_back(fd); }

  /// The recording. `source`: what it was made from.
  ImportedWorkload finish(const std::string& name, const std::string& source, std::uint64_t read,
                          std::map<std::string, std::uint64_t> mapped);

 private:
  struct Entry {
    unsigned client = 0;
    std::uint64_t at_ns = 0;
    ImportedOperation operation;
  };
  static constexpr unsigned kMostClients = 64;

  std::vector<Entry> operations_;
  std::string existing_;
  std::map<std::string, std::uint64_t> left_out_;
  std::deque<std::uint32_t> free_fds_;  ///< the one free for longest first
  std::unordered_map<std::uint64_t, unsigned> clients_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> slots_;  ///< last use, who; by client
  std::uint64_t uses_ = 0;
  unsigned client_ = 0;
  std::uint64_t at_ns_ = 0;
};

}  // namespace vfsprof::harness
