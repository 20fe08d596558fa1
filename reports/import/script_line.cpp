#include "reports/import/script_line.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace vfsprof::reports {
namespace {

constexpr std::size_t kMostTokens = 24;  // a header has six before its rest; names may have spaces
constexpr std::string_view kBlanks = " \t\r";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

template <class T>
std::optional<T> to_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The first words of a line; what stands behind them is not cut.
struct Tokens {
  std::array<std::string_view, kMostTokens> words;
  std::size_t count = 0;
};

Tokens tokenise(std::string_view line) {
  Tokens tokens;
  std::size_t at = line.find_first_not_of(kBlanks);
  while (at != std::string_view::npos && tokens.count < kMostTokens) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    tokens.words[tokens.count++] = line.substr(at, end - at);
    at = line.find_first_not_of(kBlanks, end);
  }
  return tokens;
}

/// The text between the first character of one word and the last of another.
std::string_view between(std::string_view first, std::string_view last) {
  return {first.data(), static_cast<std::size_t>(last.data() + last.size() - first.data())};
}

std::string_view from(std::string_view line, std::string_view word) {
  return trimmed(line.substr(static_cast<std::size_t>(word.data() - line.data())));
}

/// "12" or "11/12".
std::optional<std::int32_t> parse_tid(std::string_view word) {
  const std::size_t slash = word.find('/');
  if (slash != std::string_view::npos) {
    if (!to_number<std::int32_t>(word.substr(0, slash))) return std::nullopt;
    word.remove_prefix(slash + 1);
  }
  return to_number<std::int32_t>(word);
}

/// "123.456789:" or, with --ns, nine decimals.
std::optional<std::uint64_t> parse_time(std::string_view word) {
  constexpr std::uint64_t kMostSeconds = 10'000'000'000;
  if (!word.ends_with(':')) return std::nullopt;
  word.remove_suffix(1);
  const std::size_t point = word.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  const std::string_view decimals = word.substr(point + 1);
  if (!is_number(word.substr(0, point)) || !is_number(decimals)) return std::nullopt;
  if (decimals.size() != 6 && decimals.size() != 9) return std::nullopt;
  const auto seconds = to_number<std::uint64_t>(word.substr(0, point));
  const auto fraction = to_number<std::uint64_t>(decimals);
  if (!seconds || *seconds > kMostSeconds || !fraction) return std::nullopt;
  return *seconds * 1'000'000'000 + *fraction * (decimals.size() == 6 ? 1000 : 1);
}

bool is_cpu(std::string_view word) {
  return word.size() > 2 && word.front() == '[' && word.back() == ']' &&
         is_number(word.substr(1, word.size() - 2));
}

/// What may stand between thread and time: the CPU, the interrupt flags of `-F +flags`, the mode
/// of `-F +misc`.
bool is_between_thread_and_time(std::string_view word) {
  if (is_cpu(word)) return true;
  constexpr std::string_view kFlags = ".-dDNnhHsSbXpBZzlL#UKG0123456789";
  return word.size() <= 5 && word.find_first_not_of(kFlags) == std::string_view::npos &&
         !parse_tid(word);
}

bool is_event(std::string_view word) {
  return word.size() > 1 && word.ends_with(':') && !is_digit(word.front());
}

/// Words [0, end) are name, thread and what stands behind it.
void read_thread(const Tokens& tokens, std::size_t end, ScriptHeader& header) {
  std::size_t last = end;
  while (last > 1 && is_between_thread_and_time(tokens.words[last - 1])) --last;
  if (last > 0) header.tid = parse_tid(tokens.words[last - 1]);
  if (header.tid) {
    --last;
  } else {
    // No thread: what looked like flags may be part of the name.
    last = end;
    while (last > 0 && is_cpu(tokens.words[last - 1])) --last;
  }
  if (last > 0) header.comm = between(tokens.words[0], tokens.words[last - 1]);
}

/// Words from `at` on are period, event and the rest.
void read_event(std::string_view line, const Tokens& tokens, std::size_t at, ScriptHeader& header) {
  if (at + 1 < tokens.count && is_number(tokens.words[at]) && is_event(tokens.words[at + 1])) {
    header.period = to_number<std::uint64_t>(tokens.words[at++]);
  } else if (at + 1 == tokens.count && is_number(tokens.words[at])) {
    header.period = to_number<std::uint64_t>(tokens.words[at++]);
  }
  if (at < tokens.count && is_event(tokens.words[at])) {
    header.event = tokens.words[at++];
    header.event.remove_suffix(1);
  }
  if (at < tokens.count) header.rest = from(line, tokens.words[at]);
}

/// Without a time only a frame or a tracepoint's text behind the event makes a header certain.
std::optional<ScriptHeader> parse_without_time(std::string_view line, const Tokens& tokens) {
  std::size_t event = 0;
  while (event < tokens.count && !is_event(tokens.words[event])) ++event;
  std::size_t end = event;
  if (event < tokens.count && event > 1 && is_number(tokens.words[event - 1]) &&
      (is_cpu(tokens.words[event - 2]) || parse_tid(tokens.words[event - 2]))) {
    end = event - 1;
  }
  ScriptHeader header;
  read_thread(tokens, end, header);
  if (event < tokens.count) read_event(line, tokens, end, header);
  if (header.rest.empty()) return header;
  const bool is_tracepoint = header.event.find(':') != std::string_view::npos;
  header.is_certain = header.tid && (is_tracepoint || parse_script_frame(header.rest));
  return header.is_certain ? std::optional(header) : std::nullopt;
}

/// Cuts off fields printed behind the frame: branch stacks, instructions, registers.
std::string_view without_extras(std::string_view text) {
  for (const std::string_view extra : {" ilen: ", " insn: ", " ABI:"}) {
    text = text.substr(0, text.find(extra));
  }
  for (std::size_t at = text.find(" 0x"); at != std::string_view::npos;
       at = text.find(" 0x", at + 1)) {
    const std::string_view word = text.substr(at + 1, text.find_first_of(kBlanks, at + 1) - at - 1);
    if (word.find('/') != std::string_view::npos) return trimmed(text.substr(0, at));
  }
  return trimmed(text);
}

/// Takes "(text)" off the end of `text`, with the parentheses inside it; nothing if a blank does
/// not stand before it, as in "f(int)".
std::optional<std::string_view> take_parenthesis(std::string_view& text) {
  if (!text.ends_with(')')) return std::nullopt;
  std::size_t depth = 0;
  for (std::size_t at = text.size(); at-- > 0;) {
    if (text[at] == ')') ++depth;
    if (text[at] != '(' || --depth > 0) continue;
    if (at > 0 && kBlanks.find(text[at - 1]) == std::string_view::npos) return std::nullopt;
    const std::string_view inside = text.substr(at + 1, text.size() - at - 2);
    text = trimmed(text.substr(0, at));
    return inside;
  }
  return std::nullopt;
}

/// "name+0x12" without the offset.
std::string_view without_offset(std::string_view text) {
  const std::size_t plus = text.rfind("+0x");
  if (plus == std::string_view::npos || plus + 3 == text.size()) return text;
  const std::string_view offset = text.substr(plus + 3);
  return std::all_of(offset.begin(), offset.end(), is_hex) ? text.substr(0, plus) : text;
}

std::string_view without_unknown(std::string_view text) {
  return text == "[unknown]" ? std::string_view() : text;
}

/// The address at the front of `text`, which is taken off.
std::optional<std::uint64_t> take_address(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
  const auto address = to_number<std::uint64_t>(text.substr(0, end), 16);
  if (end == 0 || end > 16 || !address) return std::nullopt;
  text = trimmed(text.substr(end));
  return address;
}

/// Whether a second number stands before the symbol (`-F +addr`): letters alone may be a name.
bool starts_with_address(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  return word.size() >= 4 && word.size() < text.size() && is_digit(word.back()) &&
         std::all_of(word.begin(), word.end(), is_hex);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<ScriptHeader> parse_script_header(std::string_view line) {
  const Tokens tokens = tokenise(line);
  for (std::size_t i = 0; i < tokens.count; ++i) {
    const auto time = parse_time(tokens.words[i]);
    if (!time) continue;
    ScriptHeader header;
    header.time_ns = time;
    header.is_certain = true;
    read_thread(tokens, i, header);
    read_event(line, tokens, i + 1, header);
    return header;
  }
  return parse_without_time(line, tokens);
}

std::optional<ScriptFrame> parse_script_frame(std::string_view text) {
  ScriptFrame frame;
  auto address = take_address(text);
  if (!address) return std::nullopt;
  if (starts_with_address(text)) address = take_address(text);
  if (text.starts_with("insn:")) return std::nullopt;
  frame.address = *address;
  text = without_extras(text);
  for (auto inside = take_parenthesis(text); inside; inside = take_parenthesis(text)) {
    if (*inside == "inlined") {
      frame.is_inlined = true;
    } else {
      frame.dso = without_unknown(without_offset(*inside));
      break;
    }
  }
  frame.symbol = without_unknown(without_offset(text));
  return frame;
}

bool is_kernel_frame(const ScriptFrame& frame) {
  constexpr std::uint64_t kKernelHalf = 0xffff'0000'0000'0000;
  const std::string_view dso = frame.dso;
  if (dso.starts_with("[kernel") || dso.starts_with("[guest.kernel")) return true;
  if (dso.find(".ko") != std::string_view::npos &&
      dso.find("/modules/") != std::string_view::npos) {
    return true;
  }
  if (dso.find("vmlinux") != std::string_view::npos) return true;
  // The page of vsyscalls is the one user address there.
  return frame.address >= kKernelHalf && dso != "[vsyscall]";
}

}  // namespace vfsprof::reports
