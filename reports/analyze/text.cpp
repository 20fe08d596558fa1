#include "reports/analyze/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/analyze/characters.h"

namespace vfsprof::reports {
namespace {

/// How many decimals show three significant digits of `value`.
int decimals_for(double value) {
  const double size = std::abs(value);
  if (size == 0 || size >= 99.95) return 0;
  if (size >= 9.995) return 1;
  if (size >= 0.9995) return 2;
  return std::min(6, 2 - static_cast<int>(std::floor(std::log10(size))));
}

/// One sentence with its figures.
std::optional<std::string> filled(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view name)>& figure) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::size_t close = text.find('}', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const auto value = figure(text.substr(open + 1, close - open - 1));
    if (!value) return std::nullopt;
    result += std::string(text.substr(0, open)) + *value;
    text.remove_prefix(close + 1);
  }
  return result + std::string(text);
}

}  // namespace

std::string format_duration(double ns) {
  struct Unit {
    double ns;
    const char* name;
  };
  for (const Unit unit : {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "µs"}}) {
    if (std::abs(ns) >= unit.ns * 0.9995) {
      return fmt::format("{:.{}f} {}", ns / unit.ns, decimals_for(ns / unit.ns), unit.name);
    }
  }
  return fmt::format("{:.{}f} ns", ns, std::min(1, decimals_for(ns)));
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string format_number(double value) {
  if (value >= 999.5 && value < 1e18)
    return format_count(static_cast<std::uint64_t>(std::llround(value)));
  return fmt::format("{:.{}f}", value, decimals_for(value));
}

std::string format_share(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string format_printed_share(std::uint64_t hundredths) {
  return fmt::format("{}.{:02} %", hundredths / 100, hundredths % 100);
}

std::string format_signed(double value, int decimals) {
  const bool is_zero = std::abs(value) < 0.5 * std::pow(10.0, -decimals);
  return is_zero ? fmt::format("{:.{}f}", 0.0, decimals) : fmt::format("{:+.{}f}", value, decimals);
}

std::string format_change(double ratio) {
  if (ratio == 0) return "to zero";
  if (std::isinf(ratio)) return "from zero";
  if (ratio >= 3) return fmt::format("x {}", format_number(ratio));
  return format_signed(100 * (ratio - 1), 1) + " %";
}

std::string join_words(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string fill_in(
    std::span<const std::string> sentences,
    const std::function<std::optional<std::string>(std::string_view name)>& figure) {
  std::string result;
  for (const std::string& sentence : sentences) {
    if (const auto text = filled(sentence, figure)) result += (result.empty() ? "" : " ") + *text;
  }
  return result;
}

std::string code(std::string_view name) {
  std::string text = shortened(printable(name));
  if (text.empty()) text = "(no name)";
  std::ranges::replace(text, '`', '\'');
  return fmt::format("`{}`", text);
}

std::vector<std::string> code(std::span<const std::string> names) {
  std::vector<std::string> result;
  for (const std::string& name : names) result.push_back(code(name));
  return result;
}

}  // namespace vfsprof::reports
