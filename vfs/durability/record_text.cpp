#include "vfs/durability/record_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace vfsprof::vfs {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

/// FNV-1a, 64 bits: finds what a damaged disk or an editor did, not what an attacker does.
std::string checksum_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

std::string escape(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code > ' ' && code < 0x7f && byte != '%') {
      text += byte;
    } else {
      text += fmt::format("%{:02X}", code);
    }
  }
  return text;
}

std::string unescape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr ==
            text.data() + i + 3) {
      bytes += static_cast<char>(code);
      i += 2;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

Json time_to_json(const timespec& time) { return Json::array({time.tv_sec, time.tv_nsec}); }

timespec time_from_json(const Json& json) {
  return {json.at(0).get<time_t>(), json.at(1).get<long>()};
}

/// Blanks in place of the digits that the nanoseconds of the times lack.
std::string padding(const Attributes& attributes) {
  constexpr std::size_t kDigits = 9;
  std::size_t blanks = 0;
  for (const timespec& time : {attributes.accessed, attributes.modified, attributes.changed}) {
    blanks += kDigits - std::min(kDigits, std::to_string(time.tv_nsec).size());
  }
  return std::string(blanks, ' ');
}

Json names_to_json(const std::vector<InodeName>& names) {
  Json json = Json::array();
  for (const InodeName& one : names) {
    json.push_back({{"parent", one.parent.value}, {"name", escape(one.name)}});
  }
  return json;
}

std::vector<InodeName> names_from_json(const Json& json) {
  std::vector<InodeName> names;
  for (const Json& one : json) {
    names.push_back({InodeId{one.at("parent").get<std::uint64_t>()},
                     unescape(one.at("name").get<std::string>())});
  }
  return names;
}

}  // namespace

std::string record_to_text(const InodeRecord& record) {
  const Attributes& attributes = record.attributes;
  Json json{
      {"inode", attributes.inode.value},
      {"mode", attributes.mode},
      {"uid", attributes.uid},
      {"gid", attributes.gid},
      {"accessed", time_to_json(attributes.accessed)},
      {"modified", time_to_json(attributes.modified)},
      {"changed", time_to_json(attributes.changed)},
      {"sequence", record.name_sequence},
      {"names", names_to_json(record.names)},
  };
  if (attributes.device != 0) json["device"] = attributes.device;
  if (!record.symlink_target.empty()) json["target"] = escape(record.symlink_target);
  if (!record.store_key.empty()) json["store_key"] = escape(record.store_key);
  for (const InodeNames& other : record.also) {
    json["also"].push_back({{"inode", other.inode.value}, {"names", names_to_json(other.names)}});
  }
  // The checksum is over the record's text as the library prints it, which is the same after a
  // round trip.
  const Json file{
      {"version", kVersion}, {"checksum", checksum_of(json.dump())}, {"record", std::move(json)}};
  // A record is as long whatever the nanoseconds of its times are, so that how many bytes are
  // written does not depend on a clock.
  std::string text = file.dump(1);
  text.insert(text.size() - 1, padding(attributes));  // before the last brace: no end looks whole
  return text + '\n';
}

std::expected<InodeRecord, std::string> record_from_text(std::string_view text) {
  try {
    const Json file = Json::parse(text);
    const int version = file.at("version").get<int>();
    if (version != kVersion) {
      return std::unexpected(
          fmt::format("version {} is not {}, the one this program knows", version, kVersion));
    }
    const Json& json = file.at("record");
    if (file.at("checksum").get<std::string>() != checksum_of(json.dump())) {
      return std::unexpected<std::string>("the checksum does not match: it was altered or damaged");
    }
    InodeRecord record;
    record.attributes.inode = InodeId{json.at("inode").get<std::uint64_t>()};
    record.attributes.mode = json.at("mode").get<mode_t>();
    record.attributes.uid = json.at("uid").get<uid_t>();
    record.attributes.gid = json.at("gid").get<gid_t>();
    record.attributes.device = json.value("device", dev_t{0});
    record.attributes.accessed = time_from_json(json.at("accessed"));
    record.attributes.modified = time_from_json(json.at("modified"));
    record.attributes.changed = time_from_json(json.at("changed"));
    record.name_sequence = json.at("sequence").get<std::uint64_t>();
    record.names = names_from_json(json.at("names"));
    record.symlink_target = unescape(json.value("target", ""));
    record.store_key = unescape(json.value("store_key", ""));
    for (const Json& other : json.value("also", Json::array())) {
      record.also.push_back(
          {InodeId{other.at("inode").get<std::uint64_t>()}, names_from_json(other.at("names"))});
    }
    return record;
  } catch (const Json::exception& error) {
    return std::unexpected<std::string>(error.what());
  }
}

}  // namespace vfsprof::vfs
