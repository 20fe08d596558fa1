#include "vfs/mount_options.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <optional>

#include "vfs/base/byte_size.h"

namespace vfsprof::vfs {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

bool set_max_write(MountOptions& options, std::string_view text) {
  const auto bytes = parse_byte_size(text);
  const bool valid = bytes == 4 << 10 || bytes == 128 << 10 || bytes == 1 << 20;
  if (valid) options.max_write = static_cast<std::uint32_t>(*bytes);
  return valid;
}

bool set_chunk(MountOptions& options, std::string_view text) {
  const auto bytes = parse_byte_size(text);
  const bool valid =
      bytes && std::has_single_bit(*bytes) && *bytes >= 4 << 10 && *bytes <= 256 << 20;
  if (valid) options.chunk = *bytes;
  return valid;
}

bool set_threads(MountOptions& options, std::string_view text) {
  const auto threads = parse_number(text);
  const bool valid = threads && *threads >= 1 && *threads <= kMostSessionThreads;
  if (valid) options.threads = static_cast<unsigned>(*threads);
  return valid;
}

template <bool MountOptions::* kSwitch>
bool set_switch(MountOptions& options, std::string_view text) {
  if (text != "on" && text != "off") return false;
  options.*kSwitch = text == "on";
  return true;
}

template <bool MountOptions::* kSwitch>
std::string switch_text(const MountOptions& options) {
  return options.*kSwitch ? "on" : "off";
}

/// An option that is on or off.
template <bool MountOptions::* kSwitch>
constexpr MountOption switch_option(std::string_view name, std::string_view summary) {
  return {name, summary, false, set_switch<kSwitch>, switch_text<kSwitch>};
}

}  // namespace

std::string format_size(std::uint64_t bytes) {
  return bytes >= (1 << 20) ? fmt::format("{}m", bytes >> 20) : fmt::format("{}k", bytes >> 10);
}

const std::array<MountOption, kMountOptionCount>& mount_options() {
  static constexpr std::array<MountOption, kMountOptionCount> kOptions{{
      {"max_write", "payload of one write request: 4k, 128k or 1m", false, set_max_write,
       [](const MountOptions& options) { return format_size(options.max_write); }},
      {"chunk", "data that one block caches: a power of two from 4k to 256m", true, set_chunk,
       [](const MountOptions& options) { return format_size(options.chunk); }},
      {"threads", "session threads: 1 to 64", false, set_threads,
       [](const MountOptions& options) { return fmt::format("{}", options.threads); }},
      switch_option<&MountOptions::clone_fd>(
          "clone_fd", "a descriptor to the kernel for each session thread: on or off"),
      switch_option<&MountOptions::writeback>(
          "writeback", "the kernel collects writes in its page cache: on or off"),
      switch_option<&MountOptions::splice>(
          "splice", "requests are spliced into a pipe and read from there: on or off"),
      switch_option<&MountOptions::direct_io>("direct_io",
                                              "the kernel caches no file contents: on or off"),
  }};
  return kOptions;
}

}  // namespace vfsprof::vfs
