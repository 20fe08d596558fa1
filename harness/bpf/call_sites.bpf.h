// Call sites: the return addresses of a system call up to the program's own frames, found with rows
// that were compiled from .eh_frame, and told again by comparing a few words of the stack.
#pragma once

#include "harness/bpf/waits_state.bpf.h"

/// Registers as far as a walk needs them.
struct frame {
  __u64 ip;
  __u64 sp;
  __u64 bp;
};

INLINE bool read_word(__u64 address, __u64 *word) {
  return bpf_probe_read_user(word, sizeof *word, (void *)address) == 0;
}

// Not static: the verifier then looks at them once, and not at every way that leads to them.
__u64 find_row(__u32 first, __u32 count, __u32 offset);
__u64 find_step(__u64 ip);

/// The last row that starts at or before `offset` in a module, as its bits; 0 if there is none.
__noinline __u64 find_row(__u32 first, __u32 count, __u32 offset) {
  __u32 low = first;
  __u32 high = first + count;  // the row is in [low, high)
  for (int i = 0; i < 20 && low + 1 < high; ++i) {
    const __u32 middle = (low + high) / 2;
    const struct unwind_row *row = bpf_map_lookup_elem(&rows, &middle);
    if (!row) return 0;
    if (row->start <= offset) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const struct unwind_row *row = bpf_map_lookup_elem(&rows, &low);
  return row && row->start <= offset ? *(__u64 *)row : 0;
}

/// How to leave the frame of an instruction: a row, in place of its start 1 for a run-time library.
/// 0 where no row tells.
__noinline __u64 find_step(__u64 ip) {
  for (__u32 i = 0; i < kModules && i < module_count; ++i) {
    const volatile struct module_range *module = &modules[i];
    if (ip < module->start || ip >= module->end) continue;
    const __u64 row = find_row(module->first_row, module->rows, ip - module->start);
    return (row & ~0xffffffffull) | (module->run_time != 0);
  }
  return 0;
}

/// A walk up the stack.
struct walk {
  struct frame frame;
  __u64 at;  // where the last return address was
  __u64 hash;
  __u32 return_address;  // frame.ip is one
  __u32 program_frames;  // that were left
  __u32 restored_bp;     // from the stack
  __u32 uses_bp;         // as it was in the leaf
};
int step_up(struct walk *walk);

/// Goes to the caller's frame; where no row tells how, by the frame pointer. 0 at the end of what can
/// be walked.
__noinline int step_up(struct walk *walk) {
  if (!walk) return 0;
  struct frame *frame = &walk->frame;
  const __u64 step = find_step(frame->ip - walk->return_address);
  const struct unwind_row *row = (const struct unwind_row *)&step;
  __u64 cfa = frame->bp + 16;
  __s64 bp_offset = -16;
  if (row->base == kBaseOutermost) return 0;
  if (row->base != kBaseNone) {
    cfa = (row->base == kBaseStackPointer ? frame->sp : frame->bp) + row->cfa_words * 8ll;
    bp_offset = row->bp_words * 8ll;
  }
  if (row->base != kBaseStackPointer && !walk->restored_bp) walk->uses_bp = 1;
  if (cfa <= frame->sp) return 0;
  walk->at = cfa - 8;
  __u64 ip;
  if (!read_word(walk->at, &ip) || ip == 0) return 0;
  if (bp_offset != 0) {
    if (!read_word(cfa + bp_offset, &frame->bp)) return 0;
    walk->restored_bp = 1;
  }
  frame->ip = ip;
  frame->sp = cfa;
  walk->return_address = 1;
  if (!row->start) walk->program_frames++;  // not of a run-time library
  walk->hash = mix(walk->hash, ip);
  return 1;
}

/// Copies registers and stack of a new call site.
static __noinline int copy_site(__u32 index, struct frame *frame, __u32 tgid) {
  struct call_site *site = bpf_map_lookup_elem(&sites, &index);
  if (!site || !frame) return 0;
  site->ip = frame->ip;
  site->sp = frame->sp;
  site->bp = frame->bp;
  site->tgid = tgid;
  __u32 copied = 0;
  for (int i = 0; i < kStackBytes / kStackPiece; ++i) {
    void *from = (void *)(frame->sp + i * kStackPiece);
    if (bpf_probe_read_user(&site->stack[i * kStackPiece], kStackPiece, from)) break;
    copied += kStackPiece;
  }
  site->stack_bytes = copied;
  return 0;
}

INLINE __u32 intern_site(__u64 hash, struct frame *frame, __u32 tgid) {
  const __u32 *known = bpf_map_lookup_elem(&site_index, &hash);
  if (known) return *known;
  const __u32 index = next_index(&used.sites, MAX_SITES, &used.lost_sites);
  if (index == kNoIndex) return kNoIndex;
  copy_site(index, frame, tgid);
  if (bpf_map_update_elem(&site_index, &hash, &index, BPF_NOEXIST)) {
    known = bpf_map_lookup_elem(&site_index, &hash);  // another thread was first
    if (known) return *known;
  }
  return index;
}

/// Walks up the stack and keeps in `cached` the words that the walk depended on.
static __noinline int find_site(struct cached_site *cached, struct frame *leaf, __u32 tgid) {
  if (!cached || !leaf) return 0;
  struct walk walk = {.frame = *leaf, .hash = mix(tgid, leaf->ip)};
  cached->ip = leaf->ip;
  cached->sp = leaf->sp;
  cached->bp = leaf->bp;
  cached->words = 0;
  cached->window_bytes = 0;
  for (int i = 0; i < kChainWords; ++i) {
    if (!step_up(&walk)) break;
    const __u64 offset = walk.at - leaf->sp;
    if (i != 0 && offset > kWindowBytes - 8) break;  // far away callers do not tell sites apart
    if (offset <= kWindowBytes - 8) cached->window_bytes = offset + 8;
    cached->values[i] = walk.frame.ip;
    cached->offsets[i] = offset;
    cached->words++;
    if (walk.program_frames == kProgramFrames) break;
  }
  cached->uses_bp = walk.uses_bp;
  cached->site = intern_site(walk.hash, leaf, tgid);
  return 0;
}

/// Whether the stack looks as it did when `cached` was found. `window` is memory to read it into.
static __noinline bool is_same_site(const struct cached_site *cached, struct frame *leaf,
                                    __u64 *window) {
  if (!cached || !leaf || !window) return false;
  if (cached->ip != leaf->ip || cached->sp != leaf->sp) return false;
  if (cached->uses_bp && cached->bp != leaf->bp) return false;
  const __u32 bytes = cached->window_bytes;
  if (bytes > kWindowBytes || bpf_probe_read_user(window, bytes, (void *)leaf->sp)) return false;
  for (int i = 0; i < kChainWords && i < cached->words; ++i) {
    const __u32 word = cached->offsets[i] / 8;
    if (word >= kWindowBytes / 8 || window[word] != cached->values[i]) return false;
  }
  return true;
}

/// The index of the call site of a system call (or fault) of the current thread. `kind` tells apart
/// what the same function does; a thread has two places for those that are still alike.
static __noinline __u32 site_of(struct thread_state *state, struct pt_regs *regs, __u32 kind,
                                __u32 tgid) {
  if (!state || !regs) return kNoIndex;
  struct frame leaf = {.ip = regs->ip, .sp = regs->sp, .bp = regs->bp};
  const __u32 slot = (mix(leaf.ip ^ kind, leaf.sp) >> 8) % kCachedSites;
  struct cached_site *first = &state->sites[slot];
  struct cached_site *second = &state->sites[slot ^ 1];
  if (is_same_site(first, &leaf, state->window)) return first->site;
  if (is_same_site(second, &leaf, state->window)) return second->site;
  struct cached_site *older = &state->sites[(slot & ~1u & (kCachedSites - 1)) | (state->next_way++ & 1)];
  find_site(older, &leaf, tgid);
  return older->site;
}
