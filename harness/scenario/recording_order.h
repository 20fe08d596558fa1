#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/scenario/operation_list.h"

namespace vfsprof::harness {

/// Who has to wait for whom when the clients of a recording run at the same time. Operations on one
/// file, on one name, and on the open files of one number keep their order; what makes, removes or
/// renames a directory keeps its place among what is done below it, a listing among the changes of
/// names in its directory. Everything else is free.
///
/// Operations are added in the order of the recording, and wait only for earlier ones. A client
/// does its own in that order too, so nobody waits for ever.
/// Source: resource ordering after Weiss et al., ROOT (SOSP 2013).
/// Errors: BadInput where an operation is to succeed on a file that is not there, or not open.
class RecordingOrder {
 public:
  /// `names` and `lists`, one for each client, outlive the object.
  RecordingOrder(const std::vector<std::string>& names, std::vector<OperationList>& lists);

  /// Something that is there at the start.
  void add_existing(std::uint32_t name, bool is_directory, std::uint64_t size);
  /// The next operation of `client`, which its list has yet to take. Returns what is wrong with it,
  /// or an empty text.
  std::string add(std::uint32_t client, std::uint64_t line, const Operation& operation);
  /// Marks the turns that others wait for, and has client 0 close what is left open.
  void finish();

  std::uint64_t peak_bytes() const { return static_cast<std::uint64_t>(peak_); }

 private:
  enum Use : std::uint8_t { kShared, kExclusive, kList, kChange };
  /// Whose operations used something last, by kind of use.
  struct Resource {
    using LastUses = std::vector<Wait>;
    std::array<LastUses, 2> uses;
  };
  struct Path {
    std::string text;
    std::uint32_t parent = 0;
    Resource name;     ///< kExclusive: made, removed, renamed; kShared: looked up, used below it
    Resource entries;  ///< kList, kChange
  };
  struct Node {
    bool is_directory = false;
    std::uint64_t size = 0;
    std::uint32_t names = 0;
    std::uint32_t fds = 0;
    Resource uses = {};
  };

  std::uint32_t path_of(std::uint32_t name);
  std::uint32_t path_of_text(const std::string& text);
  Node* find(std::uint32_t path);
  void touch(Resource& resource, Use use);
  void touch_path(std::uint32_t path, Use use);
  void wait_for(const Resource::LastUses& uses);

  std::string add_to_file(const Operation& operation);
  std::string add_to_name(const Operation& operation);
  std::string open(const Operation& operation);
  std::string make(std::uint32_t path, bool is_directory);
  std::string move(const Operation& operation);
  void remove(std::uint32_t path);
  void release(std::uint32_t node);
  void resize(Node& node, std::uint64_t size);

  const std::vector<std::string>& names_;
  std::vector<OperationList>& lists_;
  std::vector<std::uint32_t> path_of_name_;
  std::vector<Path> paths_;  ///< 0: the top
  std::unordered_map<std::string, std::uint32_t> path_numbers_;
  std::vector<Node> nodes_;                    ///< 0: nothing; 1: the top
  std::map<std::string, std::uint32_t> tree_;  ///< what is there, by path
  std::array<std::uint32_t, kMaxListedFiles> fds_{};
  std::array<bool, kMaxListedFiles> fd_appends_{};
  std::array<Resource, kMaxListedFiles> fd_uses_;
  std::vector<std::vector<std::uint32_t>> covered_;  ///< of client by client: waited for already
  std::int64_t held_ = 0;
  std::int64_t peak_ = 0;
  // Of the operation that is being added.
  std::uint32_t client_ = 0;
  std::uint32_t index_ = 0;  ///< its number in the client's list
  bool succeeds_ = true;
  std::int64_t change_ = 0;
};

}  // namespace vfsprof::harness
