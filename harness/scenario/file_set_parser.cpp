#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/scenario/steps_parser.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kMaxEntries = 200'000;
constexpr std::uint64_t kMaxFileBytes = 4ULL << 30;
constexpr std::array<std::string_view, 3> kTypes{"file", "directory", "symlink"};
constexpr std::array<std::string_view, 2> kContents{"clients", "store"};

double read_number(const JsonNode& node, double least, double most) {
  if (!node.value.is_number() || node.value.get<double>() < least ||
      node.value.get<double>() > most) {
    reject(node, fmt::format("{} is not allowed: give a number from {} to {}", node.value.dump(),
                             least, most));
  }
  return node.value.get<double>();
}

const JsonNode& expect_array(const JsonNode& node, std::size_t least, std::size_t most) {
  if (!node.value.is_array() || node.value.size() < least || node.value.size() > most) {
    reject(node, least == most ? fmt::format("give an array of {} values", least)
                               : fmt::format("give an array of {} to {} values", least, most));
  }
  return node;
}

QuantileTable read_uniform(const JsonNode& node, IntegerRange range) {
  expect_array(node, 2, 2);
  const std::uint64_t least = read_size(node.at(std::size_t{0}), range);
  return QuantileTable::uniform({least, read_size(node.at(std::size_t{1}), {least, range.most})});
}

QuantileTable read_gamma(const JsonNode& node, IntegerRange range) {
  constexpr std::array<std::string_view, 2> kKeys{"mean", "shape"};
  check_keys(node, kKeys, kKeys);
  const std::uint64_t mean = read_size(node.at("mean"), range);
  const QuantileTable table =
      QuantileTable::gamma(static_cast<double>(mean), read_number(node.at("shape"), 0.1, 1000));
  if (table.largest() > range.most) {
    reject(node.at("mean"),
           fmt::format("the largest values would be {}, and {} are allowed: lower the mean",
                       table.largest(), range.most));
  }
  return table;
}

QuantileTable read_zipf(const JsonNode& node, IntegerRange range) {
  constexpr std::array<std::string_view, 3> kKeys{"min", "max", "theta"};
  check_keys(node, kKeys, kKeys);
  const std::uint64_t least =
      read_size(node.at("min"), {std::max<std::uint64_t>(1, range.least), range.most});
  const std::uint64_t most = read_size(node.at("max"), {least, range.most});
  return QuantileTable::zipf({least, most}, read_number(node.at("theta"), 0, 10));
}

QuantileTable read_table(const JsonNode& node, IntegerRange range) {
  expect_array(node, 1, 1000);
  std::vector<QuantileTable::Weighted> values;
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    const JsonNode pair = node.at(i);
    expect_array(pair, 2, 2);
    values.push_back({read_size(pair.at(std::size_t{0}), range),
                      read_integer(pair.at(std::size_t{1}), {1, 1'000'000})});
  }
  return QuantileTable::weighted(values);
}

void check_set(const JsonNode& node, const FileSet& set) {
  if (set.type != EntryType::kFile && set.filesize) {
    reject(node.at("filesize"), "only sets of type file have sizes: leave it out");
  }
  if (set.type == EntryType::kSymlink && set.existing > 0) {
    reject(node, "symbolic links are made by steps: set \"existing\": 0");
  }
  if (set.content == ContentSource::kStore &&
      (set.type != EntryType::kFile || !set.filesize || set.in >= 0)) {
    reject(node.at("content"), "objects are files with a filesize, in directories of their own");
  }
  if (std::pow(set.dirs, set.depth) > 10'000) {
    reject(node.at("dirs"),
           fmt::format("{} levels of {} subdirectories are too many: 10000 are allowed", set.depth,
                       set.dirs));
  }
}

// THE list of a set's keys; `in` names a set and is read apart.
constexpr JsonField<FileSet> kSetFields[] = {
    {"name", true, [](const JsonNode& node, FileSet& set) { set.name = read_name(node); }},
    {"type", false,
     [](const JsonNode& node, FileSet& set) {
       set.type = static_cast<EntryType>(read_choice(node, kTypes));
     }},
    {"nrfiles", false, read_count<&FileSet::nrfiles, 1, kMaxEntries>},
    {"filesize", false,
     [](const JsonNode& node, FileSet& set) {
       set.filesize = read_distribution(node, {0, kMaxFileBytes});
     }},
    {"dirs", false, read_count<&FileSet::dirs, 1, 1000>},
    {"depth", false, read_count<&FileSet::depth, 1, 8>},
    {"existing", false, read_count<&FileSet::existing, 0, 100>},
    {"shared", false, read_flag<&FileSet::shared>},
    {"content", false,
     [](const JsonNode& node, FileSet& set) {
       set.content = static_cast<ContentSource>(read_choice(node, kContents));
     }},
    {"in", false, [](const JsonNode&, FileSet&) {}},
};

void read_parent(const JsonNode& node, std::vector<FileSet>& sets) {
  FileSet& set = sets.back();
  if (!node.value.contains("in")) return;
  const JsonNode in = node.at("in");
  const std::string name = read_name(in);
  const auto parent = std::ranges::find(sets, name, &FileSet::name);
  if (parent == sets.end() || &*parent == &set || parent->type != EntryType::kDirectory) {
    reject(in, fmt::format("'{}' is not allowed: give the name of a set of type directory that "
                           "stands before this one",
                           name));
  }
  if (set.dirs > 0)
    reject(node.at("dirs"), "entries lie in the directories of \"in\": leave dirs out");
  if (set.existing > 0 && parent->existing < 100) {
    reject(in,
           fmt::format(
               "the directories of '{}' do not all exist at the start: set \"existing\": 0 here",
               name));
  }
  set.in = static_cast<int>(parent - sets.begin());
}

}  // namespace

Distribution read_distribution(const JsonNode& node, IntegerRange range) {
  if (!node.value.is_object()) {
    return std::make_shared<QuantileTable>(QuantileTable::fixed(read_size(node, range)));
  }
  struct Reader {
    std::string_view key;
    QuantileTable (*read)(const JsonNode&, IntegerRange);
  };
  // THE list of distributions.
  constexpr Reader kReaders[] = {
      {"uniform", read_uniform}, {"zipf", read_zipf}, {"gamma", read_gamma}, {"table", read_table}};
  for (const Reader& reader : kReaders) {
    const std::string key(reader.key);
    if (node.value.size() == 1 && node.value.contains(key)) {
      return std::make_shared<QuantileTable>(reader.read(node.at(key), range));
    }
  }
  reject(node, fmt::format("{} is no distribution: give a size, or an object with one of uniform, "
                           "zipf, gamma, table",
                           node.value.dump().substr(0, 60)));
}

std::vector<FileSet> read_file_sets(const JsonNode& node) {
  expect_array(node, 1, 64);
  std::vector<FileSet> sets;
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    const JsonNode item = node.at(i);
    FileSet set;
    read_object<FileSet>(item, kSetFields, set);
    if (std::ranges::find(sets, set.name, &FileSet::name) != sets.end()) {
      reject(item.at("name"),
             fmt::format("two sets bear the name '{}': give each its own", set.name));
    }
    sets.push_back(std::move(set));
    read_parent(item, sets);
    check_set(item, sets.back());
  }
  return sets;
}

}  // namespace vfsprof::harness
