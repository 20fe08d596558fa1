#include "vfs/record/operation_line.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

namespace vfsprof::vfs {
namespace {

// What most lines take, and what their end does: one allocation each.
constexpr std::size_t kLineBytes = 160;
constexpr std::size_t kResultBytes = 40;

/// Bytes of the UTF-8 character that `text` begins with; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80                      ? 1
                             : byte(0) >= 0xc2 && byte(0) < 0xe0 ? 2
                             : (byte(0) & 0xf0) == 0xe0          ? 3
                             : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                                 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is above U+10FFFF.
  if (length == 3 && byte(0) == 0xe0 && byte(1) < 0xa0) return 0;
  if (length == 3 && byte(0) == 0xed && byte(1) > 0x9f) return 0;
  if (length == 4 && byte(0) == 0xf0 && byte(1) < 0x90) return 0;
  if (length == 4 && byte(0) == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

bool is_repeatable(int error) {
  constexpr std::array kErrors{EBADF,        EEXIST,  EFBIG,  EINVAL,  EISDIR,    ELOOP,
                               ENAMETOOLONG, ENODATA, ENOENT, ENOTDIR, ENOTEMPTY, ERANGE};
  return std::ranges::find(kErrors, error) != kErrors.end();
}

std::string error_name(int error) {
  const char* const name = ::strerrorname_np(error);
  return name == nullptr ? fmt::format("error {}", error) : name;
}

std::string printable(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto first = static_cast<unsigned char>(name.front());
    std::size_t length = first < 0x20 || first == 0x7f ? 0 : utf8_length(name);
    if (length == 0) {
      out += fmt::format("%{:02X}", first);
      length = 1;
    } else {
      out += name.substr(0, length);
    }
    name.remove_prefix(length);
  }
  return out;
}

int depth_of(std::string_view path, int start) {
  int depth = start;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "..") --depth;
    if (!part.empty() && part != "." && part != "..") ++depth;
    if (depth < 0) return -1;
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return depth;
}

std::string harmless_target(std::string_view link, std::string_view target) {
  const bool leads_out =
      target.empty() || target.starts_with('/') || depth_of(target, depth_of(link, 0) - 1) < 0;
  return leads_out ? std::string(std::max<std::size_t>(target.size(), 1), '_')
                   : std::string(target);
}

OperationLine::OperationLine(const Start& start) {
  line_.reserve(kLineBytes);
  fmt::format_to(std::back_inserter(line_), R"({{"client":{},"at_ns":{},"op":"{}")", start.client,
                 start.at_ns, start.op);
}

void OperationLine::key(std::string_view name) {
  line_ += ",\"";
  line_ += name;
  line_ += "\":";
}

OperationLine& OperationLine::text(std::string_view name, std::string_view value) {
  key(name);
  line_ += quoted(value);
  return *this;
}

OperationLine& OperationLine::number(std::string_view name, std::uint64_t value) {
  key(name);
  line_ += fmt::format_int(value).c_str();
  return *this;
}

OperationLine& OperationLine::mode(unsigned permissions) {
  key("mode");
  line_ += fmt::format("\"{:04o}\"", permissions & 0777U);
  return *this;
}

OperationLine& OperationLine::flags(std::string_view names) {
  if (names.empty()) return *this;
  key("flags");
  std::string list(names);
  for (std::size_t at = 0; (at = list.find(',', at)) != std::string::npos; at += 3) {
    list.replace(at, 1, "\",\"");
  }
  line_ += "[\"" + list + "\"]";
  return *this;
}

std::string OperationLine::with_result(std::int64_t result) const {
  std::string whole;
  whole.reserve(line_.size() + kResultBytes);
  whole += line_;
  whole += ",\"expect\":";
  if (result < 0) {
    whole += quoted(error_name(static_cast<int>(-result)));
  } else {
    whole += fmt::format_int(result).c_str();
  }
  whole += "}\n";
  return whole;
}

std::string OperationLine::with_any_success() const { return line_ + "}\n"; }

std::string existing_file(std::string_view path, std::uint64_t size) {
  return fmt::format("{{\"exists\":\"file\",\"path\":{},\"size\":{}}}\n", quoted(path), size);
}

std::string existing_directory(std::string_view path) {
  return fmt::format("{{\"exists\":\"directory\",\"path\":{}}}\n", quoted(path));
}

std::string existing_symlink(std::string_view path, std::string_view target) {
  return fmt::format("{{\"exists\":\"symlink\",\"path\":{},\"target\":{}}}\n", quoted(path),
                     quoted(harmless_target(path, target)));
}

std::string first_line(const ListHeader& header) {
  return fmt::format(
      "{{\"format\":1,\"name\":{},\"summary\":{},\"stresses\":\"what the recorded programs did\","
      "\"source\":{}}}\n",
      quoted(header.name), quoted(header.summary.substr(0, 200)), quoted(header.source));
}

std::string end_line(std::uint64_t operations,
                     const std::map<std::string, std::uint64_t>& left_out) {
  std::string reasons;
  for (const auto& [reason, count] : left_out) {
    reasons += fmt::format("{}{}:{}", reasons.empty() ? "" : ",", quoted(reason), count);
  }
  return fmt::format("{{\"end\":{{\"operations\":{},\"left_out\":{{{}}}}}}}\n", operations,
                     reasons);
}

}  // namespace vfsprof::vfs
