#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/scenario/client.h"

namespace vfsprof::harness {

// What ClientProcess and client_main say to each other: one line per message. The parent sends the
// assignment, `go`, `close`, perhaps `hash`, `end`; the client answers each with `ready`, a result,
// `closed`, the hash, `ended`, or instead a failure. The end of the stream ends the client. The
// directory is not named: the client inherits it as a descriptor.

/// Number under which the client process has its directory open.
inline constexpr int kDirectoryFd = 3;
/// And the socket of ClientOptions::settle_fd, if there is one.
inline constexpr int kSettleFd = 4;

inline constexpr std::string_view kReadyMessage = "ready";
inline constexpr std::string_view kGoMessage = "go";
inline constexpr std::string_view kCloseMessage = "close";
inline constexpr std::string_view kClosedMessage = "closed";
inline constexpr std::string_view kHashMessage = "hash";  ///< answered by a tree
inline constexpr std::string_view kEndMessage = "end";
inline constexpr std::string_view kEndedMessage = "ended";

/// What the client process is to do.
struct Assignment {
  Scenario scenario;
  std::uint64_t seed = 1;
  bool store_is_filled = false;  ///< the files of the object store exist already
  bool keeps_contents = true;    ///< ClientOptions::keeps_contents
  std::optional<InProcessSetup> in_process = std::nullopt;
  bool settles = false;  ///< kSettleFd is open
  WatchedOperations watch = {};
  IssuePriority issue_priority = IssuePriority::kNormal;
  bool shares_cpu = false;  ///< with the file system
};

std::string encode(const Assignment& assignment);
/// Throws BadInput.
Assignment decode_assignment(std::string_view line);

std::string encode(const ClientResult& result);
/// A tree's hash and entries.
std::string encode_tree(const std::string& hash, const std::vector<TreeEntry>& entries);
/// The hash; none if the line is no tree.
std::optional<std::string> decode_tree(std::string_view line, std::vector<TreeEntry>& entries);
/// Empty if the line is no result.
std::optional<ClientResult> decode_result(std::string_view line);

/// Lines over a stream descriptor.
class LineChannel {
 public:
  LineChannel(int in, int out) : in_(in), out_(out) {}

  /// Adds the line's end. Returns false if the other side is gone.
  bool send(std::string_view line);
  /// The next line if one is complete; reads once from the descriptor, which may block. Sets
  /// `at_end()` at the end.
  std::optional<std::string> receive();
  bool at_end() const { return at_end_; }

 private:
  int in_;
  int out_;
  std::string buffer_;
  std::size_t scanned_ = 0;  ///< bytes of it that hold no line's end
  bool at_end_ = false;
};

}  // namespace vfsprof::harness
