#include "harness/scenario/import/strace_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "harness/error.h"
#include "harness/scenario/operation_list.h"
#include "vfs/record/operation_line.h"

namespace vfsprof::harness {
namespace {

constexpr std::string_view kUnfinished = "<unfinished ...>";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Takes an unsigned number from the start of the text.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// "1700000000.123456".
std::optional<std::uint64_t> take_time_ns(std::string_view& text) {
  const auto seconds = take_number(text);
  if (!seconds || *seconds > 1ULL << 33 || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t before = text.size();
  auto fraction = take_number(text);
  const std::size_t digits = before - text.size();
  if (!fraction || digits > 9) return std::nullopt;
  for (std::size_t i = digits; i < 9; ++i) *fraction *= 10;
  return *seconds * 1'000'000'000 + *fraction;
}

/// Where the arguments that begin at `begin` end: at the parenthesis that closes them; npos if they
/// do not. `commas` receives where they are parted.
std::size_t end_of_arguments(std::string_view text, std::size_t begin,
                             std::vector<std::size_t>& commas) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    } else if (c == '/' && text.substr(i).starts_with("/*")) {
      const std::size_t end = text.find("*/", i);
      if (end == std::string_view::npos) return end;
      i = end + 1;
    } else if (c == '<' && text.substr(i, 2) != "<<" && i > 0 && text[i - 1] != ' ') {
      const std::size_t end = text.find('>', i);
      if (end == std::string_view::npos) return end;
      i = end;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' && depth == 0) {
      return i;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      commas.push_back(i);
    }
  }
  return std::string_view::npos;
}

int errno_of(std::string_view name) {
  for (int error = 1; error < 134; ++error) {
    const char* const known = ::strerrorname_np(error);
    if (known != nullptr && name == known) return error;
  }
  return name == "EWOULDBLOCK" ? EAGAIN : 0;
}

/// The bytes that strace wrote with C's escapes.
std::string unescaped(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      value += text[i];
      continue;
    }
    const char c = text[++i];
    unsigned code = 0;
    if (c >= '0' && c <= '7') {
      const std::string_view digits = text.substr(i, 3);
      const char* const end = digits.data() + digits.size();
      const char* const read = std::from_chars(digits.data(), end, code, 8).ptr;
      i += static_cast<std::size_t>(read - digits.data()) - 1;
      value += static_cast<char>(code);
    } else if (c == 'x' && i + 2 < text.size()) {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16);
      value += static_cast<char>(code);
      i += 2;
    } else {
      constexpr std::string_view kNames = "ntrvfa";
      constexpr std::string_view kCodes = "\n\t\r\v\f\a";
      const std::size_t at = kNames.find(c);
      value += at == std::string_view::npos ? c : kCodes[at];
    }
  }
  return value;
}

}  // namespace

LoggedDescriptor read_descriptor(std::string_view text) {
  LoggedDescriptor descriptor;
  if (text.starts_with("AT_FDCWD")) {
    descriptor.number = -100;
  } else if (const auto number = read_number(text)) {
    descriptor.number = *number;
  }
  const std::size_t begin = text.find('<');
  const std::size_t end = text.rfind('>');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return descriptor;
  }
  constexpr std::string_view kDeleted = " (deleted)";
  std::string_view path = text.substr(begin + 1, end - begin - 1);
  descriptor.is_deleted = path.ends_with(kDeleted) || text.ends_with("(deleted)");
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  if (path.starts_with('/')) descriptor.path = unescaped(path);
  return descriptor;
}

std::optional<std::string> read_string(std::string_view text) {
  if (!text.starts_with('"')) return std::nullopt;
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return std::nullopt;
  return unescaped(text.substr(1, end - 1));
}

std::optional<std::int64_t> read_number(std::string_view text) {
  const bool is_hexadecimal = text.starts_with("0x");
  if (is_hexadecimal) text.remove_prefix(2);
  const bool is_octal = !is_hexadecimal && text.size() > 1 && text.front() == '0';
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value,
                                            is_hexadecimal ? 16
                                            : is_octal     ? 8
                                                           : 10);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> read_field(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  return at == std::string_view::npos ? std::nullopt : read_number(text.substr(at + key.size()));
}

bool has_flag(std::string_view flags, std::string_view flag) {
  while (!flags.empty()) {
    const std::size_t end = std::min(flags.find('|'), flags.size());
    if (trimmed(flags.substr(0, end)) == flag) return true;
    flags.remove_prefix(std::min(end + 1, flags.size()));
  }
  return false;
}

StraceLog::StraceLog(const WorkloadSource& source) : origin_(source.name) {
  std::string_view rest = source.text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    ++line_;
    const std::string_view line = trimmed(rest.substr(0, end));
    if (!line.empty() && !line.starts_with("strace: ")) read_line(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  without_result += started_.size();
  for (LoggedCall& call : calls) call.start_ns -= first_ns_;
  std::ranges::stable_sort(calls, {}, &LoggedCall::start_ns);
}

void StraceLog::reject(const std::string& problem) const {
  throw BadInput(fmt::format("{}, line {}: {}; log with strace -f -ttt -yy -o FILE COMMAND",
                             origin_, line_, problem));
}

void StraceLog::read_line(std::string_view line) {
  std::uint64_t thread = 0;
  std::string_view rest = line;
  if (rest.starts_with("[pid")) {
    rest = trimmed(rest.substr(4));
    const auto number = take_number(rest);
    if (!number || !rest.starts_with(']')) reject("'[pid' without a number");
    thread = *number;
    rest = trimmed(rest.substr(1));
  } else if (std::string_view probe = rest; take_number(probe) && probe.starts_with(' ')) {
    thread = *take_number(rest);
    rest = trimmed(rest);
  }
  const auto time = take_time_ns(rest);
  if (!time) reject("no time of the form SECONDS.MICROSECONDS");
  first_ns_ = std::min(first_ns_, *time);
  last_ns_ = std::max(last_ns_, *time);
  if (last_ns_ - first_ns_ > kMostListedNs) {
    reject("its time is more than twelve days from that of other lines");
  }
  const std::uint64_t start_ns = *time;
  rest = trimmed(rest);
  if (rest.starts_with("---")) return;  // a signal
  if (rest.starts_with("+++")) {
    without_result += started_.erase(thread);
    calls.push_back({.start_ns = start_ns, .thread = thread, .name = "exit"});
    return;
  }
  if (rest.starts_with("<... ")) {
    const std::size_t resumed = rest.find("resumed>");
    const auto started = started_.find(thread);
    if (resumed == std::string_view::npos) reject("'<...' without 'resumed>'");
    if (started == started_.end()) return;  // it began before the log
    const Started call = std::move(started->second);
    started_.erase(started);
    return read_call(thread, call.start_ns, call.text + std::string(rest.substr(resumed + 8)));
  }
  if (rest.ends_with(kUnfinished)) {
    rest.remove_suffix(kUnfinished.size());
    started_[thread] = {start_ns, std::string(rest)};
    return;
  }
  read_call(thread, start_ns, rest);
}

void StraceLog::read_call(std::uint64_t thread, std::uint64_t start_ns, std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || open == 0) reject("no system call NAME(...) = RESULT");
  std::vector<std::size_t> commas;
  const std::size_t close = end_of_arguments(text, open + 1, commas);
  const std::size_t equals = close == std::string_view::npos ? close : text.find('=', close);
  if (equals == std::string_view::npos) reject("a system call without its end and result");
  LoggedCall call{
      .start_ns = start_ns, .thread = thread, .name = std::string(text.substr(0, open))};
  std::size_t begin = open + 1;
  commas.push_back(close);
  for (const std::size_t comma : commas) {
    call.arguments.emplace_back(trimmed(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  const std::string_view result = trimmed(text.substr(equals + 1));
  if (result.starts_with('?')) {
    ++without_result;
    return;
  }
  call.result_text = result;
  call.result = read_number(result).value_or(0);
  if (call.result < 0) {
    const std::size_t name = result.find('E');
    const std::size_t end = result.find(' ', name == std::string_view::npos ? 0 : name);
    const int error =
        name == std::string_view::npos ? 0 : errno_of(result.substr(name, end - name));
    call.result = error == 0 ? -EIO : -error;
  }
  calls.push_back(std::move(call));
}

}  // namespace vfsprof::harness
