#include "reports/import/perf_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

constexpr std::string_view kBinaryMagic = "PERFILE2";
constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr std::size_t kTextShown = 80;
// More malformed lines than this before the first sample: it is some other text.
constexpr std::uint64_t kMostLinesBefore = 1000;
// What a saved result may hold (model/profile_json.cpp), with room for inlined frames.
constexpr std::size_t kDeepestStack = 500;
// Bounds the memory for what a damaged or hostile file may hold.
constexpr std::size_t kMostFrameKeys = 400'000;

/// The number at the start of `text`; 0 where there is none.
std::uint64_t leading_number(std::string_view text) {
  std::uint64_t value = 0;
  text = trimmed(text);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Printable ASCII, and short: for messages.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, kTextShown));
  std::replace_if(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return line.size() > kTextShown ? text + "..." : text;
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string module_of(const ScriptFrame& frame) {
  if (is_kernel_frame(frame)) return "[kernel]";
  return frame.dso.empty() ? "[unknown]" : std::string(file_name(frame.dso));
}

bool has_address(std::string_view text) {
  std::uint64_t address = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), address, 16);
  return error == std::errc() && (end == text.data() + text.size() || *end == ' ');
}

/// "7f12 name+0x3 (dso)" without address and offset, which say nothing about the frame.
void put_key(std::string_view text, std::string& key) {
  text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
  const std::size_t plus = std::min(text.rfind("+0x"), text.size());
  const std::size_t end = std::min(text.find_first_of(" )", plus), text.size());
  key.assign(text.substr(0, plus));
  key.append(text.substr(end));
}

std::uint64_t hash_of(const std::vector<std::uint32_t>& stack) {
  std::uint64_t hash = stack.size();
  for (const std::uint32_t frame : stack) {
    hash = (hash ^ frame) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

void PerfScriptReader::feed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    if (carried_.size() + piece.size() > kLongestLine) {
      refuse(carried_.empty() ? piece : carried_, recording_.lines + 1);
    }
    if (end == std::string_view::npos) {
      carried_ += piece;
      return;
    }
    if (carried_.empty()) {
      read_line(piece);
    } else {
      carried_ += piece;
      read_line(std::exchange(carried_, {}));
    }
    text.remove_prefix(end + 1);
  }
}

Recording PerfScriptReader::finish() {
  if (!carried_.empty()) read_line(std::exchange(carried_, {}));
  close_sample();
  const MalformedLines& malformed = recording_.malformed;
  if (recording_.samples.empty() && malformed.count > 0) {
    refuse(malformed.first_text, malformed.first_line);
  }
  if (recording_.samples.empty()) {
    throw FormatError(fmt::format(
        "{}: line {}: the text ends without a sample; record some with `perf record -g`, then run "
        "`perf script -i perf.data > FILE.txt`",
        origin_, recording_.lines));
  }
  if (!has_frames_) {
    throw FormatError(fmt::format(
        "{}: its samples have no frames: print them with the fields ip, sym and dso, as `perf "
        "script` does by default",
        origin_));
  }
  // A recording has a line or more for each sample; in other text a few lines may look like one.
  if (malformed.count > recording_.lines / 2) refuse(malformed.first_text, malformed.first_line);
  return std::move(recording_);
}

void PerfScriptReader::refuse(std::string_view line, std::uint64_t number) const {
  if (line.starts_with(kBinaryMagic)) {
    throw FormatError(fmt::format(
        "{}: this is the binary file of `perf record`; run `perf script -i {} > {}.txt` "
        "first, and import that",
        origin_, origin_, origin_));
  }
  throw FormatError(
      fmt::format("{}: line {}: `{}` is no text of `perf script`: expected a sample such as "
                  "`comm 123 45.678901: 1001001 cpu-clock:` with a line per frame under it; make "
                  "the text with `perf script -i perf.data > FILE.txt`",
                  origin_, number, shown(line)));
}

void PerfScriptReader::read_line(std::string_view line) {
  ++recording_.lines;
  if (recording_.lines == 1 && line.starts_with(kBinaryMagic)) refuse(line, 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_not_of(" \t") == std::string_view::npos) {
    close_sample();
  } else if (line.front() == '#' || in_comments_) {
    read_comment(line);
  } else if (line.front() == '\t' || line.front() == ' ') {
    read_indented(line);
  } else {
    close_sample();
    read_opening(line);
  }
  if (recording_.samples.empty() && recording_.malformed.count > kMostLinesBefore) {
    refuse(recording_.malformed.first_text, recording_.malformed.first_line);
  }
}

void PerfScriptReader::read_comment(std::string_view line) {
  // Between its two rules the header may hold a command line of several lines.
  if (line.starts_with("# ====")) in_comments_ = !in_comments_;
  if (!line.starts_with('#')) return;
  line = trimmed(line.substr(1));
  const auto value_of = [&](std::string_view key) -> std::string_view {
    if (!line.starts_with(key)) return {};
    const std::string_view rest = trimmed(line.substr(key.size()));
    return rest.starts_with(':') ? trimmed(rest.substr(1)) : std::string_view();
  };
  Environment& machine = recording_.environment;
  if (const auto value = value_of("captured on"); !value.empty()) recording_.started = value;
  if (const auto value = value_of("os release"); !value.empty()) machine.kernel = value;
  if (const auto value = value_of("cpudesc"); !value.empty()) machine.cpu_model = value;
  if (const auto value = value_of("nrcpus online"); !value.empty()) {
    machine.cpus = static_cast<int>(std::min<std::uint64_t>(leading_number(value), 1'000'000));
  }
  if (const auto value = value_of("total memory"); !value.empty()) {
    machine.memory_bytes = std::min(leading_number(value), std::uint64_t{1} << 50) * 1024;
  }
  const std::string_view event = value_of("event");
  constexpr std::string_view kFrequency = "{ sample_period, sample_freq } = ";
  const std::size_t at = event.find(kFrequency);
  if (at != std::string_view::npos && event.find(", freq = 1") != std::string_view::npos) {
    recording_.frequency_hz = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(leading_number(event.substr(at + kFrequency.size())), 1'000'000));
  }
}

void PerfScriptReader::read_indented(std::string_view line) {
  if (state_ == State::kInBadSample) return;
  const std::string_view text = trimmed(line);
  // Without call chains names are right-aligned; a frame is set off by a tab.
  if (line.front() == ' ') {
    const auto header = parse_script_header(text);
    if (header && header->is_certain) {
      close_sample();
      read_opening(text);
      return;
    }
  }
  if (state_ == State::kInSample && add_known_frame(text)) return;
  const auto frame = parse_script_frame(text);
  if (frame && (state_ == State::kInSample || open_pending())) {
    put_key(text, key_);
    add_frame(*frame);
  } else if (frame) {
    add_malformed(line, recording_.lines);
    state_ = State::kInBadSample;
  } else if (state_ == State::kOutside) {
    close_sample();
    add_malformed(line, recording_.lines);
  } else if (text.ends_with("(inlined)") && !stack_.empty()) {
    // With source lines the mark of an inlined frame stands behind them.
    inlined_.push_back(recording_.frames[stack_.back()].function);
    stack_.pop_back();
  }
}

/// Frames under a line that was no certain header make it one; frames under nothing are a sample
/// of a recording that was printed without headers.
bool PerfScriptReader::open_pending() {
  if (has_certain_headers_) return false;
  const std::string line = std::exchange(pending_, {});
  pending_line_ = 0;
  open_sample(parse_script_header(line).value_or(ScriptHeader{}));
  return true;
}

void PerfScriptReader::read_opening(std::string_view line) {
  const auto header = parse_script_header(line);
  if (header && header->is_certain && (header->time_ns || !recording_.has_times)) {
    has_certain_headers_ = true;
    if (!read_record(*header)) open_sample(*header);
    return;
  }
  // perf's own messages, where its standard error went into the file.
  if (line.starts_with("Warning:") || line.starts_with("Processed ")) return;
  if (header && !has_certain_headers_) {
    pending_ = line;
    pending_line_ = recording_.lines;
    return;
  }
  add_malformed(line, recording_.lines);
  state_ = State::kInBadSample;
}

/// Records that are no samples: "comm tid time: PERF_RECORD_LOST lost 12".
bool PerfScriptReader::read_record(const ScriptHeader& header) {
  constexpr std::string_view kRecord = "PERF_RECORD_";
  const std::string_view text = header.rest;
  if (!text.starts_with(kRecord)) return false;
  if (text.starts_with("PERF_RECORD_LOST")) {
    const std::size_t at = text.rfind(' ');
    if (at != std::string_view::npos) recording_.lost += leading_number(text.substr(at));
  } else if (text.starts_with("PERF_RECORD_THROTTLE")) {
    ++recording_.throttled;
  }
  return true;
}

void PerfScriptReader::open_sample(const ScriptHeader& header) {
  recording_.has_times = recording_.has_times || header.time_ns.has_value();
  recording_.has_threads = recording_.has_threads || header.tid || !header.comm.empty();
  sample_ = {.time_ns = header.time_ns.value_or(0),
             .thread = thread_index(header),
             .stack = 0,
             .event = event_index(header.event)};
  RecordedEvent& event = recording_.events[sample_.event];
  ++event.samples;
  if (header.period) {
    ++event.periods;
    event.period_sum += std::min<std::uint64_t>(*header.period, std::uint64_t{1} << 40);
  }
  state_ = State::kInSample;
  if (const auto frame = parse_script_frame(header.rest)) {
    put_key(header.rest, key_);
    add_frame(*frame);
  }
}

void PerfScriptReader::close_sample() {
  if (pending_line_ > 0) add_malformed(pending_, std::exchange(pending_line_, 0));
  pending_.clear();
  if (state_ == State::kInSample) {
    for (const std::string& function : std::exchange(inlined_, {})) {
      stack_.push_back(frame_index({FrameKind::kInlined, function, "[unknown]"}));
    }
    sample_.stack = stack_index();
    recording_.samples.push_back(sample_);
  }
  stack_.clear();
  state_ = State::kOutside;
}

/// Most frames were seen before: they are looked up, not read again.
bool PerfScriptReader::add_known_frame(std::string_view text) {
  if (!has_address(text)) return false;
  put_key(text, key_);
  const auto found = frame_keys_.find(key_);
  if (found == frame_keys_.end()) return false;
  add_index(found->second);
  return true;
}

/// A frame whose key is in `key_`.
void PerfScriptReader::add_frame(const ScriptFrame& frame) {
  has_frames_ = true;
  if (frame.is_inlined) {
    if (inlined_.size() < kDeepestStack) inlined_.emplace_back(frame.symbol);
    return;
  }
  const std::uint32_t index =
      frame_index({is_kernel_frame(frame) ? FrameKind::kKernel : FrameKind::kUser,
                   std::string(frame.symbol), module_of(frame)});
  // Without a dso only the address tells the kernel from a program.
  if (!frame.dso.empty()) {
    if (frame_keys_.size() >= kMostFrameKeys) frame_keys_.clear();
    frame_keys_.emplace(key_, index);
  }
  add_index(index);
}

void PerfScriptReader::add_index(std::uint32_t frame) {
  for (const std::string& function : std::exchange(inlined_, {})) {
    stack_.push_back(frame_index({FrameKind::kInlined, function, recording_.frames[frame].module}));
  }
  if (stack_.size() < kDeepestStack) stack_.push_back(frame);
}

void PerfScriptReader::add_malformed(std::string_view line, std::uint64_t number) {
  MalformedLines& malformed = recording_.malformed;
  if (malformed.count++ > 0) return;
  malformed.first_line = number;
  malformed.first_text = shown(line);
}

std::uint32_t PerfScriptReader::thread_index(const ScriptHeader& header) {
  // A thread that changes its name is another one from then on.
  const std::int32_t tid = header.tid.value_or(-1);
  const std::string key = fmt::format("{} {}", tid, header.comm);
  const auto [found, is_new] =
      threads_.try_emplace(key, static_cast<std::uint32_t>(recording_.threads.size()));
  if (is_new) recording_.threads.push_back({tid, std::string(header.comm)});
  return found->second;
}

std::uint32_t PerfScriptReader::event_index(std::string_view name) {
  if (const auto found = events_.find(name); found != events_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(recording_.events.size());
  events_.emplace(name, index);
  recording_.events.push_back({.name = std::string(name)});
  return index;
}

std::uint32_t PerfScriptReader::frame_index(Frame frame) {
  const std::string key =
      fmt::format("{}{}\n{}", static_cast<int>(frame.kind), frame.module, frame.function);
  const auto [found, is_new] =
      frames_.try_emplace(key, static_cast<std::uint32_t>(recording_.frames.size()));
  if (is_new) recording_.frames.push_back(std::move(frame));
  return found->second;
}

std::uint32_t PerfScriptReader::stack_index() {
  const std::uint64_t hash = hash_of(stack_);
  const auto [first, last] = stacks_.equal_range(hash);
  for (auto candidate = first; candidate != last; ++candidate) {
    if (std::ranges::equal(recording_.stacks[candidate->second], stack_)) return candidate->second;
  }
  const auto index = static_cast<std::uint32_t>(recording_.stacks.size());
  recording_.stacks.add(stack_);
  stacks_.emplace(hash, index);
  return index;
}

}  // namespace vfsprof::reports
