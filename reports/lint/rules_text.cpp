#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "reports/analyze/characters.h"
#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kKernelNameLength = 15;

// What the upper halves of Windows-1252 (0x80 to 0x9f) and Mac OS Roman (0x80 to 0xff) stand for.
// Source: the mapping files CP1252.TXT and ROMAN.TXT of the Unicode consortium.
constexpr std::array<char32_t, 32> kWindows{
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};
constexpr std::array<char32_t, 128> kMac{
    0x00c4, 0x00c5, 0x00c7, 0x00c9, 0x00d1, 0x00d6, 0x00dc, 0x00e1, 0x00e0, 0x00e2, 0x00e4, 0x00e3,
    0x00e5, 0x00e7, 0x00e9, 0x00e8, 0x00ea, 0x00eb, 0x00ed, 0x00ec, 0x00ee, 0x00ef, 0x00f1, 0x00f3,
    0x00f2, 0x00f4, 0x00f6, 0x00f5, 0x00fa, 0x00f9, 0x00fb, 0x00fc, 0x2020, 0x00b0, 0x00a2, 0x00a3,
    0x00a7, 0x2022, 0x00b6, 0x00df, 0x00ae, 0x00a9, 0x2122, 0x00b4, 0x00a8, 0x2260, 0x00c6, 0x00d8,
    0x221e, 0x00b1, 0x2264, 0x2265, 0x00a5, 0x00b5, 0x2202, 0x2211, 0x220f, 0x03c0, 0x222b, 0x00aa,
    0x00ba, 0x03a9, 0x00e6, 0x00f8, 0x00bf, 0x00a1, 0x00ac, 0x221a, 0x0192, 0x2248, 0x2206, 0x00ab,
    0x00bb, 0x2026, 0x00a0, 0x00c0, 0x00c3, 0x00d5, 0x0152, 0x0153, 0x2013, 0x2014, 0x201c, 0x201d,
    0x2018, 0x2019, 0x00f7, 0x25ca, 0x00ff, 0x0178, 0x2044, 0x20ac, 0x2039, 0x203a, 0xfb01, 0xfb02,
    0x2021, 0x00b7, 0x201a, 0x201e, 0x2030, 0x00c2, 0x00ca, 0x00c1, 0x00cb, 0x00c8, 0x00cd, 0x00ce,
    0x00cf, 0x00cc, 0x00d3, 0x00d4, 0xf8ff, 0x00d2, 0x00da, 0x00db, 0x00d9, 0x0131, 0x02c6, 0x02dc,
    0x00af, 0x02d8, 0x02d9, 0x02da, 0x00b8, 0x02dd, 0x02db, 0x02c7};

std::optional<char> windows_byte(char32_t c) {
  if (c >= 0xa0 && c <= 0xff) return static_cast<char>(c);
  const auto found = std::ranges::find(kWindows, c);
  if (c == 0 || found == kWindows.end()) return std::nullopt;
  return static_cast<char>(0x80 + (found - kWindows.begin()));
}

std::optional<char> mac_byte(char32_t c) {
  const auto found = std::ranges::find(kMac, c);
  if (found == kMac.end()) return std::nullopt;
  return static_cast<char>(0x80 + (found - kMac.begin()));
}

/// Text of characters above ASCII whose bytes in another encoding are UTF-8 again was decoded in
/// that encoding by mistake. A single such character is a letter.
bool is_misdecoded(const std::u32string& run) {
  if (run.size() < 2) return false;
  for (const auto to_byte : {windows_byte, mac_byte}) {
    std::string bytes;
    for (const char32_t c : run) {
      if (const auto byte = to_byte(c)) bytes += *byte;
    }
    if (bytes.size() == run.size() && is_utf8(bytes)) return true;
  }
  return false;
}

std::string to_utf8(const std::u32string& text) {
  std::string result;
  for (const char32_t c : text) append_utf8(result, c);
  return result;
}

void check_line(const TextLine& line, LintFindings& findings) {
  std::u32string run;
  std::string_view rest = line.text;
  while (true) {
    const std::size_t at = line.text.size() - rest.size();
    const auto character = rest.empty() ? std::optional<char32_t>(U'\0') : take_character(rest);
    if (!character || *character == 0xfffd) {
      findings.push_back({line.line, "",
                          fmt::format("byte {} is no UTF-8, or replaces what was none: save the "
                                      "file as UTF-8 from its source",
                                      at + 1)});
      return;
    }
    if (*character >= 0x80) {
      run += *character;
      continue;
    }
    if (is_misdecoded(run)) {
      findings.push_back({line.line, "",
                          fmt::format("\"{}\" is UTF-8 that was decoded as another encoding: save "
                                      "the file as UTF-8 from its source",
                                      to_utf8(run))});
      return;
    }
    run.clear();
    if (rest.empty()) return;
  }
}

/// Somewhere a longer name begins with this one, or a sentence says that names may be cut.
bool is_explained(const LintInput& input, const ThreadSection& thread) {
  for (const TextLine& line : input.document.sections[thread.section].text) {
    if (line.text.find("15 characters") != std::string::npos) return true;
  }
  for (const TextLine& line : input.document.lines) {
    for (std::size_t at = line.text.find(thread.name); at != std::string::npos;
         at = line.text.find(thread.name, at + 1)) {
      const std::size_t end = at + thread.name.size();
      if (end < line.text.size() && std::isalnum(static_cast<unsigned char>(line.text[end])) != 0) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void check_cut_names(const LintInput& input, LintFindings& findings) {
  std::vector<std::string> seen;
  for (const ThreadSection& thread : input.threads) {
    if (thread.name.size() != kKernelNameLength || is_explained(input, thread)) continue;
    if (std::ranges::find(seen, thread.name) != seen.end()) continue;
    seen.push_back(thread.name);
    findings.push_back({input.document.sections[thread.section].line, "",
                        fmt::format("the kernel keeps 15 characters of a thread's name, and {} has "
                                    "15: state the name in full",
                                    thread.name)});
  }
}

void check_encoding(const LintInput& input, LintFindings& findings) {
  for (const TextLine& line : input.document.lines) check_line(line, findings);
}

}  // namespace vfsprof::reports
