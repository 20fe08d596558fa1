#include "harness/scenario/operation_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/errno_names.h"
#include "harness/scenario/steps_parser.h"
#include "vfs/record/operation_line.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;

/// What an operation needs and may have, beside op, expect, at_ns and client.
struct Shape {
  OperationKind kind;
  std::string_view required;  ///< letters of kKeys
  std::string_view allowed;
};
constexpr std::string_view kKeyOf[] = {"path",   "fd",   "offset", "size", "to",
                                       "target", "name", "mode",   "flags"};
constexpr std::string_view kLetters = "pfoztxnmg";

// THE list of operations that a list can have.
constexpr Shape kShapes[] = {
    {OperationKind::kCreate, "pf", "mg"},   {OperationKind::kOpen, "pf", "g"},
    {OperationKind::kClose, "f", "p"},      {OperationKind::kRead, "foz", "p"},
    {OperationKind::kWrite, "foz", "p"},    {OperationKind::kFsync, "f", "p"},
    {OperationKind::kFdatasync, "f", "p"},  {OperationKind::kTruncate, "fz", "p"},
    {OperationKind::kStat, "p", ""},        {OperationKind::kReaddir, "p", ""},
    {OperationKind::kMkdir, "p", "m"},      {OperationKind::kRmdir, "p", ""},
    {OperationKind::kUnlink, "p", ""},      {OperationKind::kRename, "pt", ""},
    {OperationKind::kLink, "pt", ""},       {OperationKind::kSymlink, "px", ""},
    {OperationKind::kReadlink, "p", ""},    {OperationKind::kChmod, "pm", ""},
    {OperationKind::kChown, "p", ""},       {OperationKind::kUtimens, "p", ""},
    {OperationKind::kSetxattr, "fnz", "p"}, {OperationKind::kGetxattr, "fn", "p"},
    {OperationKind::kListxattr, "f", "p"},  {OperationKind::kRemovexattr, "fn", "p"},
    {OperationKind::kPause, "z", ""},       {OperationKind::kBarrier, "", ""},
};

const std::vector<std::string_view>& kinds() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const Shape& shape : kShapes) {
      list.push_back(kOperationNames[static_cast<std::size_t>(shape.kind)]);
    }
    return list;
  }();
  return names;
}

void check_shape(const JsonNode& node, const Shape& shape) {
  std::vector<std::string_view> allowed{"op", "expect", "at_ns", "client"};
  std::vector<std::string_view> required;
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if (shape.required.find(kLetters[i]) != std::string_view::npos) required.push_back(kKeyOf[i]);
    if (shape.allowed.find(kLetters[i]) != std::string_view::npos) allowed.push_back(kKeyOf[i]);
  }
  allowed.insert(allowed.end(), required.begin(), required.end());
  check_keys(node, allowed, required);
}

unsigned long read_mode(const JsonNode& node) {
  const std::string text = read_line_of_text(node, 4);
  if (text.size() != 4 || text.find_first_not_of("01234567") != std::string::npos ||
      text[0] != '0') {
    reject(node, "give permission bits in octal, as \"0644\"");
  }
  return std::stoul(text, nullptr, 8);
}

void read_numbers(const JsonNode& node, Operation& operation) {
  const auto value = [&](const char* key, std::uint64_t most) {
    return node.value.contains(key) ? read_size(node.at(key), {0, most}) : 0;
  };
  const bool transfer = moves_data(operation.kind);
  operation.fd = static_cast<std::uint32_t>(value("fd", kMaxListedFiles - 1));
  operation.offset = value("offset", kMostListedBytes);
  operation.size = value("size", transfer ? kMaxBlockBytes : kMostListedBytes);
  operation.at_ns = value("at_ns", kMostListedNs);
  if (node.value.contains("mode")) {
    operation.argument = static_cast<std::uint32_t>(read_mode(node.at("mode")));
  }
  constexpr std::array<std::string_view, 4> kFlags{"dsync", "append", "truncate", "read-only"};
  if (!node.value.contains("flags")) return;
  const JsonNode flags = node.at("flags");
  if (!flags.value.is_array()) reject(flags, "give an array of dsync, append, truncate, read-only");
  for (std::size_t i = 0; i < flags.value.size(); ++i) {
    operation.flags |= static_cast<std::uint8_t>(1U << read_choice(flags.at(i), kFlags));
  }
}

/// A result that is expected: the name of an error, or a number.
void read_expected(const JsonNode& node, Operation& operation) {
  if (!node.value.contains("expect")) return;
  const JsonNode expect = node.at("expect");
  if (expect.value.is_number()) {
    operation.expected = static_cast<std::int64_t>(read_integer(expect, {0, kMostListedBytes}));
    return;
  }
  std::vector<std::string_view> names;
  names.reserve(std::size(kExpectableErrors));
  for (const NamedErrno& error : kExpectableErrors) names.push_back(error.name);
  operation.expected = -kExpectableErrors[read_choice(expect, names)].value;
}

}  // namespace

Operation OperationReader::read(const JsonNode& node) {
  if (!node.value.is_object() || !node.value.contains("op")) {
    reject(node, "an operation is an object with \"op\"");
  }
  const Shape& shape = kShapes[read_choice(node.at("op"), kinds())];
  check_shape(node, shape);
  Operation operation{.kind = shape.kind,
                      .argument = shape.kind == OperationKind::kMkdir ? 0755U : 0644U};
  read_numbers(node, operation);
  read_names(node, operation);
  read_expected(node, operation);
  return operation;
}

void OperationReader::read_names(const JsonNode& node, Operation& operation) {
  const bool allow_top =
      operation.kind == OperationKind::kStat || operation.kind == OperationKind::kReaddir ||
      (operation.kind == OperationKind::kOpen && operation.flags == kOpenReadOnly);
  if (node.value.contains("path")) operation.file = read_path(node.at("path"), allow_top);
  if (node.value.contains("to")) operation.other = read_path(node.at("to"));
  if (node.value.contains("name"))
    operation.other = number_of(read_line_of_text(node.at("name"), 255));
  if (node.value.contains("target")) {
    operation.other = read_target(node.at("target"), operation.file);
    operation.flags |= kLinkVerbatim;
  }
}

std::uint32_t OperationReader::read_path(const JsonNode& node, bool allow_top) {
  const std::string path = read_line_of_text(node, 4095);
  if (allow_top && path == ".") return number_of(path);
  for (std::string_view rest = path; true;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
      reject(node, fmt::format("'{}' is not allowed: give a path within the clients' directory, "
                               "relative, without empty parts, '.' and '..'",
                               path));
    }
    if (slash == std::string_view::npos) return number_of(path);
    rest.remove_prefix(slash + 1);
  }
}

std::uint32_t OperationReader::read_target(const JsonNode& node, std::uint32_t link) {
  const std::string target = read_line_of_text(node, 4095);
  const int levels = vfs::depth_of(names_[link], 0) - 1;
  if (target.starts_with('/') || vfs::depth_of(target, levels) < 0) {
    reject(node, fmt::format("'{}' leads out of the clients' directory: give a target within it",
                             target));
  }
  return number_of(target);
}

std::uint32_t OperationReader::number_of(const std::string& name) {
  const auto [found, is_new] =
      numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return found->second;
}

OperationList read_operation_list(const JsonNode& job) {
  OperationList list;
  OperationReader reader(list.names);
  const auto read_array = [&](const char* key, std::vector<Operation>& out) {
    if (!job.value.contains(key)) return;
    const JsonNode array = job.at(key);
    if (!array.value.is_array()) reject(array, "give an array of operations");
    for (std::size_t i = 0; i < array.value.size(); ++i) out.push_back(reader.read(array.at(i)));
  };
  read_array("setup", list.setup);
  read_array("operations", list.operations);
  return list;
}

}  // namespace vfsprof::harness
