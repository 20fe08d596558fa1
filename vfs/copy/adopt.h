#pragma once

#include <cstddef>
#include <string_view>

#include "vfs/engine.h"
#include "vfs/memory/payload_pages.h"
#include "vfs/payload.h"
#include "vfs/pool/block_bytes.h"

namespace vfsprof::vfs {

/// The payload is received into pages of the pool's memory, and the block keeps the pages: each
/// whole page of an aligned write changes hands for the one that the block had there. What is not a
/// whole aligned page, or was not received into pages, is copied once.
/// Cost: a pointer exchanged for each page; none of its bytes is touched.
/// Source: page flipping, as in splice(2) with SPLICE_F_MOVE, done between buffers of one process.
struct Adopt {
  static constexpr std::string_view kName = "adopt";
  static constexpr std::string_view kSummary =
      "no copy: whole pages of the payload change hands; memory=arena";
  static constexpr bool kKeepsPages = true;

  static StagedPayload stage(const Payload& payload) { return {.owned = {}, .payload = payload}; }

  static void put(BlockBytes& data, std::size_t offset, const PayloadPart& part) {
    PayloadPages* const pages = part.payload.pages();
    std::size_t done = 0;
    if (pages != nullptr && offset % kPageBytes == 0 && part.offset % kPageBytes == 0) {
      for (; part.size - done >= kPageBytes; done += kPageBytes) {
        data.exchange_page(offset + done, [&](std::byte* old) {
          return pages->exchange((part.offset + done) / kPageBytes, old);
        });
      }
    }
    if (done == part.size) return;
    data.write(offset + done,
               {.payload = part.payload, .offset = part.offset + done, .size = part.size - done});
  }
};

}  // namespace vfsprof::vfs
