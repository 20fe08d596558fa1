#include "harness/collect/proc.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "vfs/base/thread_name.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Takes the text up to `separator` (or all of it) off the front.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string> read_text(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

std::optional<long> read_number(const std::filesystem::path& path) {
  const std::optional<std::string> text = read_text(path);
  return text ? parse_number<long>(trim(*text)) : std::nullopt;
}

std::string_view field_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key) {
      return trim(line.substr(colon + 1));
    }
  }
  return {};
}

std::optional<SchedulerStatistics> parse_schedstat(std::string_view text) {
  text = trim(text);
  const auto cpu_ns = parse_number<std::uint64_t>(take_until(text, ' '));
  const auto runnable_ns = parse_number<std::uint64_t>(take_until(text, ' '));
  if (!cpu_ns || !runnable_ns) return std::nullopt;
  return SchedulerStatistics{*cpu_ns, *runnable_ns};
}

std::optional<ContextSwitches> parse_context_switches(std::string_view status) {
  const auto voluntary = parse_number<std::uint64_t>(field_of(status, "voluntary_ctxt_switches"));
  const auto involuntary =
      parse_number<std::uint64_t>(field_of(status, "nonvoluntary_ctxt_switches"));
  if (!voluntary || !involuntary) return std::nullopt;
  return ContextSwitches{*voluntary, *involuntary};
}

std::vector<ExecutableMapping> parse_executable_mappings(std::string_view maps) {
  std::vector<ExecutableMapping> mappings;
  while (!maps.empty()) {
    std::string_view line = take_until(maps, '\n');
    const auto start = parse_number<std::uint64_t>(take_until(line, '-'), 16);
    const auto end = parse_number<std::uint64_t>(take_until(line, ' '), 16);
    const std::string_view permissions = take_until(line, ' ');
    if (!start || !end || permissions.size() < 3 || permissions[2] != 'x') continue;
    const auto file_offset = parse_number<std::uint64_t>(take_until(line, ' '), 16);
    for (int column = 0; column < 2; ++column) take_until(line, ' ');  // device, inode
    mappings.push_back({*start, *end, std::string(trim(line)), file_offset.value_or(0)});
  }
  std::ranges::sort(mappings, {}, &ExecutableMapping::start);
  return mappings;
}

std::vector<pid_t> list_threads(pid_t pid) {
  std::vector<pid_t> threads;
  std::error_code error;  // the process may end at any moment
  std::filesystem::directory_iterator entry(fmt::format("/proc/{}/task", pid), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (const auto tid = parse_number<pid_t>(entry->path().filename().native())) {
      threads.push_back(*tid);
    }
  }
  std::ranges::sort(threads);
  return threads;
}

std::string kernel_thread_name(pid_t pid, pid_t tid) {
  std::string name = read_text(fmt::format("/proc/{}/task/{}/comm", pid, tid)).value_or("");
  if (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

std::string full_thread_name(std::string_view kernel_name) {
  for (const ThreadName& known : kThreadNames) {
    if (known.kernel_name == kernel_name) return std::string(known.full_name);
  }
  return std::string(kernel_name);
}

std::string thread_role(std::string_view full_name) {
  const std::size_t last = full_name.find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == full_name.size()) return std::string(full_name);
  const std::size_t end = full_name.find_last_not_of("-_:#/. ", last);
  return std::string(full_name.substr(0, end == std::string_view::npos ? last + 1 : end + 1));
}

}  // namespace vfsprof::harness
