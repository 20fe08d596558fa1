#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/record/operation_line.h"
#include "vfs/record/recorded_names.h"

namespace vfsprof::vfs {

/// FUSE requests and their replies as a list of operations: pure, bytes in and text out.
///
/// A look-up becomes `stat`, a release `close`; what clients cannot repeat is left out and counted
/// by reason. Requests become operations in the order in which they came. Clients are the threads
/// that asked; more than 64 take turns in the numbers. Files that a look-up finds although nobody
/// made them existed before.
/// Memory: some 200 bytes for each name that there is, and the requests without a reply yet.
/// Threads: not safe.
class OperationLog {
 public:
  /// `summary`: what was recorded, for the first line.
  explicit OperationLog(std::string_view summary);

  /// `message` begins with its fuse_in_header; of a write it may be only the headers.
  void add_request(std::uint64_t time_ns, std::span<const std::byte> message);
  /// `message` begins with its fuse_out_header, and may be cut; `length` of it in full.
  void add_reply(std::span<const std::byte> message, std::uint64_t length);
  /// Every request that came up to then has been added.
  void translate(std::uint64_t complete_ns);
  /// No request follows. Adds the last line.
  void finish();
  /// What was written since the last call.
  std::string take();

 private:
  struct Request {
    std::uint64_t time_ns = 0;
    std::vector<std::byte> message;
    std::vector<std::byte> reply;
    std::uint64_t reply_length = 0;
    bool replied = false;
  };
  static constexpr unsigned kClients = 64;
  /// A request while it is translated.
  struct View {
    std::uint64_t time_ns = 0;
    std::uint64_t node = 0;
    std::uint32_t opcode = 0;
    unsigned client = kClients;  ///< kClients: the kernel's own request
    int error = 0;
    std::span<const std::byte> body;
    std::span<const std::byte> reply;
    std::uint64_t reply_length = 0;
  };
  struct OpenFile {
    std::uint32_t fd = 0;
    unsigned client = 0;  ///< that used it last
  };
  /// A listing stands where it began; the lines behind it wait until its result is known.
  struct Listing {
    std::uint64_t line = 0;  ///< its number
    OperationLine text;
    std::uint64_t entries = 0;
    unsigned parts = 0;
    bool names_changed = false;
    bool ended = false;
  };

  void translate(const Request& request);
  void translate_names(const View& view);
  void translate_files(const View& view);
  void look_up(const View& view);
  void make(const View& view);
  void create(const View& view);
  void remove(const View& view, std::string_view op);
  void rename(const View& view);
  void link(const View& view);
  void set_attributes(const View& view);
  void resize(const View& view, std::uint64_t size, const std::uint64_t* handle);
  void open(const View& view);
  void transfer(const View& view);
  void close(const View& view);
  void list(const View& view);
  void end_listing(std::uint64_t directory);
  void names_change(std::uint64_t directory);
  void sync_directory(const View& view);

  unsigned client_of(std::uint32_t thread);
  OpenFile* file_of(const View& view, std::uint64_t handle);
  OperationLine start(const View& view, std::string_view op) const;
  void put(const View& view, const OperationLine& line, std::int64_t result);
  /// Counts the request as left out if its path is not known; else returns true.
  bool needs_path(const std::string& path);
  bool take_fd(std::uint32_t& fd);
  void leave_out(const std::string& reason) { ++left_out_[reason]; }

  std::deque<std::string> lines_;  ///< that were not taken yet
  std::uint64_t taken_ = 0;        ///< lines before them
  std::uint64_t operations_ = 0;
  std::map<std::string, std::uint64_t> left_out_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Request> requests_;  ///< by time and number
  std::unordered_map<std::uint64_t, std::uint64_t> times_;               ///< by number
  RecordedNames names_;
  std::unordered_map<std::uint64_t, OpenFile> files_;    ///< by handle
  std::map<std::uint64_t, Listing> listings_;            ///< by directory
  std::deque<std::uint32_t> free_fds_;                   ///< the one free for longest first
  std::unordered_map<std::uint32_t, unsigned> clients_;  ///< by thread
  std::array<std::pair<std::uint64_t, std::uint32_t>, kClients> slots_{};  ///< last use, thread
  std::uint64_t uses_ = 0;
  unsigned used_slots_ = 0;
};

}  // namespace vfsprof::vfs
