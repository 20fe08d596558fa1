#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reports/import/recording.h"
#include "reports/import/script_line.h"

namespace vfsprof::reports {

/// Hashes text of every kind, so that a lookup needs no copy.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

/// Reads what `perf script` printed, with whichever fields, piece by piece: a recording of any size
/// passes through a buffer of one size. Frames and stacks are stored once.
///
/// Lines that are not understood are counted, and a sample whose first line is one of them is left
/// out. What is understood and not needed (source lines, branch stacks, mappings) is passed over.
/// Cost: one pass, no allocation for a line that was seen before.
/// Threads: not safe.
class PerfScriptReader {
 public:
  /// `origin` names the file in errors.
  explicit PerfScriptReader(std::string origin) : origin_(std::move(origin)) {}

  /// The next piece of the text; it may end anywhere.
  /// Errors: FormatError as soon as it is clear that this is no text of `perf script`.
  void feed(std::string_view text);

  /// What was read. Errors: FormatError if it held no sample, or mostly lines that are none.
  Recording finish();

 private:
  using TextIndex = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

  void read_line(std::string_view line);
  void read_comment(std::string_view line);
  void read_indented(std::string_view line);
  void read_opening(std::string_view line);
  bool read_record(const ScriptHeader& header);
  void open_sample(const ScriptHeader& header);
  void close_sample();
  bool open_pending();
  bool add_known_frame(std::string_view text);
  void add_frame(const ScriptFrame& frame);
  void add_index(std::uint32_t frame);
  void add_malformed(std::string_view line, std::uint64_t number);
  [[noreturn]] void refuse(std::string_view line, std::uint64_t number) const;

  std::uint32_t thread_index(const ScriptHeader& header);
  std::uint32_t event_index(std::string_view name);
  std::uint32_t frame_index(Frame frame);
  std::uint32_t stack_index();

  std::string origin_;
  Recording recording_;
  std::string carried_;  ///< the unfinished line at the end of the last piece

  enum class State { kOutside, kInSample, kInBadSample };
  State state_ = State::kOutside;
  RecordedSample sample_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::string> inlined_;  ///< waiting for the frame whose module they share
  std::string pending_;               ///< a line that is a header if frames follow
  std::uint64_t pending_line_ = 0;    ///< 0: there is none
  bool has_certain_headers_ = false;
  bool has_frames_ = false;
  bool in_comments_ = false;

  std::string key_;  ///< of the frame being read
  TextIndex frame_keys_;
  std::unordered_map<std::string, std::uint32_t> frames_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> stacks_;  ///< by hash
  TextIndex threads_;
  TextIndex events_;
};

}  // namespace vfsprof::reports
