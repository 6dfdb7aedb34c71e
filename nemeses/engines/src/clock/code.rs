//! The code that answers a node's questions about the time.
//!
//! It is copied byte for byte into the vDSO of the node, so it refers to nothing outside itself but
//! what [`super::patch`] writes over [`Code::original`]. It follows the System V calling
//! convention, as the functions that it stands for do.
#![expect(unsafe_code, reason = "the bytes of our own assembly are read")]

use std::arch::global_asm;

use super::parameters::{PARAMETER_BYTES, ROW_OF_CLOCK, SEQUENCE_BYTES};

/// The number of looks of a reader while the parameters are being changed, about half a second. A
/// change takes microseconds; a writer that is gone for longer died, and this process is about to.
const PATIENCE: u32 = 1 << 24;

/// The numbers of the system calls that read clocks, on this architecture.
const CLOCK_GETTIME: libc::c_long = libc::SYS_clock_gettime;
const GETTIMEOFDAY: libc::c_long = libc::SYS_gettimeofday;

global_asm!(
    r#"
    .pushsection .text.own_clock, "ax", @progbits
    .balign 64
own_clock_start:

own_clock_gettime:                      # int (edi: clock, rsi: result)
    cmp     edi, {clocks}
    jae     own_clock_original          # the clocks of a process, a thread or a device
    mov     eax, edi
    lea     rcx, [rip + 90f]
    movzx   eax, byte ptr [rcx + rax]
    test    eax, eax
    jz      own_clock_original
    push    rsi
    call    20f
    pop     rsi
    test    eax, eax
    jnz     2f
    mov     [rsi], rdx
    mov     [rsi + 8], rcx
2:  ret

    .balign 16
own_clock_gettimeofday:                 # int (rdi: result, rsi: time zone)
    push    rsi
    push    rdi
    test    rdi, rdi
    jz      3f
    xor     edi, edi
    mov     eax, {real_time_row}
    call    20f
    test    eax, eax
    jnz     4f
    mov     rdi, [rsp]
    mov     [rdi], rdx
    imul    rcx, rcx, 0x10624dd3        # ns / 1000 is exact this way below 1e9
    shr     rcx, 38
    mov     [rdi + 8], rcx
3:  xor     eax, eax
    mov     rsi, [rsp + 8]
    test    rsi, rsi
    jz      4f
    xor     edi, edi                    # the zone alone
    mov     eax, {gettimeofday}
    syscall
4:  add     rsp, 16
    ret

    .balign 16
own_clock_time:                         # time_t (rdi: result)
    push    rdi
    xor     edi, edi
    mov     eax, {real_time_row}
    call    20f
    pop     rdi
    mov     rax, rdx
    test    rdi, rdi
    jz      5f
    mov     [rdi], rax
5:  ret

# Reads clock edi, whose row of parameters is at eax. eax: 0 or the error, rdx: seconds,
# rcx: nanoseconds. The machine's clock is read between two looks at the sequence number, so that
# it is read before or after a change of the parameters, never during one.
    .balign 16
20: push    rbx
    push    r12
    push    r13
    push    r14
    sub     rsp, 24
    lea     r12, [rip + own_clock_parameters]
    add     r12, rax
    lea     rcx, [rip + 91f]
    movzx   ebx, byte ptr [rcx + rdi]
    mov     r14d, {patience}
21: mov     r13d, [rip + own_clock_parameters]
    test    r13b, 1
    jnz     25f
22: mov     edi, ebx
    mov     rsi, rsp
    call    own_clock_original
    test    eax, eax
    jnz     24f
    imul    rax, [rsp], 1000000000
    add     rax, [rsp + 8]
    sub     rax, [r12]                  # since the anchor, on the machine's clock
    imul    qword ptr [r12 + 16]        # by the rate, 32 bits of it behind the point
    shrd    rax, rdx, 32
    add     rax, [r12 + 8]              # from the anchor on the process's clock
    cmp     r13d, [rip + own_clock_parameters]
    jne     21b
    xor     ecx, ecx
    test    rax, rax
    cmovs   rax, rcx                    # no clock shows a time before 1970
    mov     rcx, rax
    shr     rax, 9
    mov     rdx, 0x44b82fa09b5a53       # 2^75 / (1e9 / 2^9): a division by 1e9 takes too long
    mul     rdx
    shr     rdx, 11
    imul    rax, rdx, 1000000000
    sub     rcx, rax
    xor     eax, eax
24: add     rsp, 24
    pop     r14
    pop     r13
    pop     r12
    pop     rbx
    ret
25: pause
    dec     r14d
    jnz     21b
    jmp     22b

# The displaced instructions of the original clock_gettime, and a jump to the rest of it. As it
# stands here it asks the kernel, for originals whose instructions cannot be moved.
    .balign 16
own_clock_original:
    mov     eax, {clock_gettime}
    syscall
    ret
    .fill   {original_bytes} - (. - own_clock_original), 1, 0xcc

# Where a call that the controller made returns to.
own_clock_trap:
    int3

# By clock: where its row of parameters is, 0 for a clock that is left alone.
90: .byte   {r0}, {r1}, {r2}, {r3}, {r4}, {r5}, {r6}, {r7}, {r8}, {r9}, {r10}, {r11}
# By clock: which clock of the machine it shows. The coarse ones show the fine ones, since a coarse
# reading from before a change of the rate would go backwards after it.
91: .byte   0, 1, 2, 3, 4, 0, 1, 7, 8, 9, 10, 11

    .balign 64
own_clock_parameters:
    .fill   {parameter_bytes}, 1, 0
own_clock_end:
    .popsection
"#,
    clocks = const ROW_OF_CLOCK.len(),
    real_time_row = const row(0),
    patience = const PATIENCE,
    clock_gettime = const CLOCK_GETTIME,
    gettimeofday = const GETTIMEOFDAY,
    original_bytes = const ORIGINAL_BYTES,
    parameter_bytes = const PARAMETER_BYTES,
    r0 = const row(0), r1 = const row(1), r2 = const row(2), r3 = const row(3),
    r4 = const row(4), r5 = const row(5), r6 = const row(6), r7 = const row(7),
    r8 = const row(8), r9 = const row(9), r10 = const row(10), r11 = const row(11),
);

/// The number of bytes for the displaced instructions and the jump behind them.
pub(super) const ORIGINAL_BYTES: usize = 40;

/// The offset of the row of a clock, from the beginning of the parameters.
const fn row(clock: usize) -> usize {
    match ROW_OF_CLOCK[clock] {
        Some(row) => SEQUENCE_BYTES + row * super::parameters::LINE_BYTES,
        None => 0,
    }
}

unsafe extern "C" {
    static own_clock_start: u8;
    static own_clock_gettime: u8;
    static own_clock_gettimeofday: u8;
    static own_clock_time: u8;
    static own_clock_original: u8;
    static own_clock_trap: u8;
    static own_clock_parameters: u8;
    static own_clock_end: u8;
}

/// The code, and where in it each part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bytes: Vec<u8>,
    /// Stands for `clock_gettime(2)`.
    pub(super) clock_gettime: usize,
    /// Stands for `gettimeofday(2)`.
    pub(super) gettimeofday: usize,
    /// Stands for `time(2)`.
    pub(super) time: usize,
    /// Reads a clock of the machine.
    pub(super) original: usize,
    /// Stops a traced process.
    pub(super) trap: usize,
    /// The parameters, as [`super::parameters`] describes them.
    pub(super) parameters: usize,
}

/// A copy of the code.
pub(super) fn code() -> Code {
    let start = &raw const own_clock_start;
    let offset = |part: *const u8| part as usize - start as usize;
    let length = offset(&raw const own_clock_end);
    Code {
        // SAFETY: the bytes between the two labels are a part of this program that nothing changes.
        bytes: unsafe { std::slice::from_raw_parts(start, length) }.to_vec(),
        clock_gettime: offset(&raw const own_clock_gettime),
        gettimeofday: offset(&raw const own_clock_gettimeofday),
        time: offset(&raw const own_clock_time),
        original: offset(&raw const own_clock_original),
        trap: offset(&raw const own_clock_trap),
        parameters: offset(&raw const own_clock_parameters),
    }
}
