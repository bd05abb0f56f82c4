/*
 * The hooks that gcc's and clang's -finstrument-functions calls around every function: the hot path.
 *
 * void __cyg_profile_func_enter(void *function, void *call_site)
 * void __cyg_profile_func_exit(void *function, void *call_site)
 *
 * Each writes one 32-byte slot (recorder/record.h) and publishes it: one clock read, one slot, no locked
 * instruction. What a record is made of is read, written and published inside a restartable sequence
 * (rseq(2)): if a signal is delivered, or the thread is preempted, anywhere between _start and _end, the
 * kernel sends it to _abort, which starts again; so a handler that records events, or that never comes
 * back, finds a ring in which every slot below the position is whole and nothing is reserved.
 *
 * One compare covers "not attached yet", "switched off", "full", "being skipped" and "forked": in each of
 * them the limit is at or below the position, and reel_hook_slow() does the rest.
 */

/* struct hook_producer in hook.h, at %fs:reel_hook_producer. */
#define PRODUCER_POS 0
#define SLOTS 8
#define MASK 16
#define LIMIT 24
#define RSEQ_CS 32

/* What the kernel looks for in the four bytes before an abort handler (RSEQ_SIG). */
#define RSEQ_SIGNATURE 0x53053053

	.text

/* struct rseq_cs: version, flags, start, length, abort. */
.macro restartable name
	.section .data.rel.ro, "aw"
	.balign 32
.L\name\()_cs:
	.long	0, 0
	.quad	.L\name\()_start, .L\name\()_end - .L\name\()_start, .L\name\()_abort
	.text
	/* ud1 with the signature as its operand, so that a disassembler can follow. */
	.byte	0x0f, 0xb9, 0x3d
	.long	RSEQ_SIGNATURE
.L\name\()_abort:
.endm

.macro hook symbol, name, kind
	restartable \name
	.globl	\symbol
	.type	\symbol, @function
	.balign 64
\symbol:
	.cfi_startproc
	endbr64
	movq	reel_hook_producer@gottpoff(%rip), %rcx	/* where this thread's producer is */
	leaq	.L\name\()_cs(%rip), %rax
	movq	%fs:RSEQ_CS(%rcx), %rdx
	movq	%rax, (%rdx)			/* arm: from _start on a signal restarts us */
.L\name\()_start:
	rdtsc					/* the clock, inside: a restart reads it again */
	shlq	$32, %rdx
	orq	%rdx, %rax			/* ticks */
	movq	%fs:PRODUCER_POS(%rcx), %r8
	movq	%fs:LIMIT(%rcx), %r10
	movq	(%r8), %r9			/* position: only this thread writes it */
	cmpq	(%r10), %r9
	jae	.L\name\()_slow
	movq	%r9, %r10
	shlq	$5, %r10			/* 32 bytes a slot */
	andq	%fs:MASK(%rcx), %r10
	addq	%fs:SLOTS(%rcx), %r10		/* the slot */
	movq	%rax, (%r10)			/* word 0: ticks */
.if \kind == 0
	movq	(%rsp), %rax			/* where we return to tells inlined instances apart */
	shlq	$48, %rax			/* its low 16 bits, above the address */
	orq	%rdi, %rax
	movq	%rax, 8(%r10)			/* word 1: function and return address */
	movq	%rsi, 16(%r10)			/* word 2: call site, kind 0 */
.else
	movq	%rdi, 8(%r10)			/* word 1: function */
	btsq	$48, %rsi			/* kind 1 above the address */
	movq	%rsi, 16(%r10)			/* word 2: call site, kind 1 */
.endif
	movq	%rsp, 24(%r10)			/* word 3: stack pointer */
	incq	%r9
	movq	%r9, (%r8)			/* [P] publish: stores are seen in order (x86-TSO) */
.L\name\()_end:
	ret
.L\name\()_slow:
	movq	%rsp, %rdx
	movq	(%rsp), %rcx
	movl	$\kind, %r8d
	jmp	reel_hook_slow			/* (function, call_site, stack pointer, return address, kind) */
	.cfi_endproc
	.size	\symbol, . - \symbol
.endm

	hook __cyg_profile_func_enter, enter, 0
	hook __cyg_profile_func_exit, exit, 1

/*
 * int reel_hook_publish(const struct slot *records, uint64_t count, uint64_t limit)
 *
 * The same for the cold path: copies `count` slots and publishes them together when they end at or below
 * `limit`. Returns 0, or 1 when there is no room.
 */
	restartable publish
	.globl	reel_hook_publish
	.hidden	reel_hook_publish
	.type	reel_hook_publish, @function
	.balign 16
reel_hook_publish:
	.cfi_startproc
	endbr64
	movq	reel_hook_producer@gottpoff(%rip), %rcx
	leaq	.Lpublish_cs(%rip), %rax
	movq	%fs:RSEQ_CS(%rcx), %r8
	movq	%rax, (%r8)
.Lpublish_start:
	movq	%fs:PRODUCER_POS(%rcx), %r8
	movq	(%r8), %r9
	leaq	(%r9,%rsi), %rax		/* where the records end */
	cmpq	%rdx, %rax
	ja	.Lpublish_full
	xorl	%r10d, %r10d			/* bytes copied */
.Lpublish_copy:
	movq	%r9, %r11
	shlq	$5, %r11
	andq	%fs:MASK(%rcx), %r11
	addq	%fs:SLOTS(%rcx), %r11
	movups	(%rdi,%r10), %xmm0
	movups	16(%rdi,%r10), %xmm1
	movups	%xmm0, (%r11)
	movups	%xmm1, 16(%r11)
	addq	$32, %r10
	incq	%r9
	cmpq	%rax, %r9
	jne	.Lpublish_copy
	movq	%rax, (%r8)			/* [P] publish */
.Lpublish_end:
	xorl	%eax, %eax
	ret
.Lpublish_full:
	movl	$1, %eax
	ret
	.cfi_endproc
	.size	reel_hook_publish, . - reel_hook_publish

	.section .note.GNU-stack, "", @progbits
