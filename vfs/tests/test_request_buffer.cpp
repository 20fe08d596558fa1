// How requests are received: where payloads land, how other requests are put together again.

#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "vfs/base/unique_fd.h"
#include "vfs/fuse/mount_error.h"
#include "vfs/fuse/request_buffer.h"

namespace vfsprof::vfs {
namespace {

constexpr std::uint32_t kMaxWrite = 16 << 10;

/// A device that holds one request: a pipe.
class FakeDevice {
 public:
  FakeDevice() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
  }
  int fd() const { return read_end_.get(); }

  /// Puts in a request with `size` bytes behind its first header, which count up; returns all of
  /// it.
  std::string put(std::uint32_t opcode, std::size_t size) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + size);
    header.opcode = opcode;
    std::string request(sizeof header + size, '\0');
    std::memcpy(request.data(), &header, sizeof header);
    for (std::size_t i = 0; i < size; ++i) request[sizeof header + i] = static_cast<char>(i % 251);
    EXPECT_EQ(::write(write_end_.get(), request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    return request;
  }

 private:
  UniqueFd read_end_;
  UniqueFd write_end_;
};

/// With splice=off and on.
class RequestBufferTest : public testing::TestWithParam<bool> {
 protected:
  FakeDevice device_;
  RequestBuffer buffer_{{.max_write = kMaxWrite, .threads = 1, .splice = GetParam()}};

  std::string message(std::size_t size) const {
    return {static_cast<const char*>(buffer_.message()), size};
  }
};

TEST_P(RequestBufferTest, PayloadsBeginAtAPageBoundary) {
  for (const std::size_t size : {1UL, 100UL, 4096UL, 16384UL}) {
    const std::string request = device_.put(FUSE_WRITE, sizeof(fuse_write_in) + size);
    ASSERT_EQ(buffer_.receive(device_.fd()), static_cast<ssize_t>(request.size()));
    EXPECT_EQ(message(80), request.substr(0, 80));
    std::vector<std::byte> payload(size);
    buffer_.payload(size).copy_to(0, payload);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer_.payload(size).data()) % 4096, 0u);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(payload.data()), payload.size()),
              request.substr(80));
  }
}

TEST_P(RequestBufferTest, OtherRequestsAreOnePieceOfMemory) {
  for (const std::size_t size : {0UL, 8UL, 40UL, 41UL, 300UL, 16000UL}) {
    const std::string request = device_.put(FUSE_LOOKUP, size);
    ASSERT_EQ(buffer_.receive(device_.fd()), static_cast<ssize_t>(request.size()));
    EXPECT_EQ(message(request.size()), request) << size;
  }
}

TEST_P(RequestBufferTest, AnErrorOfTheDeviceIsPassedOn) {
  EXPECT_EQ(buffer_.receive(-1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_P(RequestBufferTest, APayloadThatNeverCameIsABug) {
  device_.put(FUSE_WRITE, sizeof(fuse_write_in) + 10);
  ASSERT_EQ(buffer_.receive(device_.fd()), 90);
  EXPECT_DEATH(buffer_.payload(11), "CHECK");
}

INSTANTIATE_TEST_SUITE_P(Transport, RequestBufferTest, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "splice" : "read"; });

TEST(RequestPipe, OfImpossibleSizeIsRefused) {
  try {
    RequestPipe pipe(std::size_t{1} << 31);
    FAIL() << "the kernel made a pipe of 2 GiB";
  } catch (const MountError& error) {
    EXPECT_NE(std::string(error.what()).find("splice=on"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace vfsprof::vfs
