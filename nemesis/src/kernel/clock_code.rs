//! The machine code that tells a victim the time.
//!
//! It is copied to the first page of a clock and finds its numbers in the second, so it refers to nothing outside
//! itself. It computes what `clocks/setting.rs` says (the tests compare them), and keeps to the calling convention of the
//! vDSO: arguments in rdi and rsi, the answer or a negative error number in rax, callee-saved registers untouched.

/// The code, and where in it the functions begin that take the place of the vDSO's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockCode {
    pub(crate) bytes: &'static [u8],
    pub(crate) clock_gettime: u64,
    pub(crate) gettimeofday: u64,
    pub(crate) time: u64,
}

impl ClockCode {
    /// None where there is no such code for the processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn get() -> Option<ClockCode> {
        None
    }

    /// None where there is no such code for the processor.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn get() -> Option<ClockCode> {
        let begin = (&raw const x86_64::adrasteia_clock_code).cast::<u8>();
        let from_begin = |symbol: *const [u8; 0]| symbol.addr() - begin.addr();
        let length = from_begin(&raw const x86_64::adrasteia_clock_code_end);
        // SAFETY: both symbols are in one section of the assembly below, which is read-only and as long as they say.
        let bytes = unsafe { std::slice::from_raw_parts(begin, length) };
        Some(ClockCode {
            bytes,
            clock_gettime: from_begin(&raw const x86_64::adrasteia_clock_gettime) as u64,
            gettimeofday: from_begin(&raw const x86_64::adrasteia_clock_gettimeofday) as u64,
            time: from_begin(&raw const x86_64::adrasteia_clock_time) as u64,
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use crate::clocks::layout;
    use nix::libc;

    unsafe extern "C" {
        pub(super) static adrasteia_clock_code: [u8; 0];
        pub(super) static adrasteia_clock_code_end: [u8; 0];
        pub(super) static adrasteia_clock_gettime: [u8; 0];
        pub(super) static adrasteia_clock_gettimeofday: [u8; 0];
        pub(super) static adrasteia_clock_time: [u8; 0];
    }

    /// The clocks that go by the wall clock, one bit each.
    const WALL_CLOCKS: i32 =
        1 << libc::CLOCK_REALTIME | 1 << libc::CLOCK_REALTIME_COARSE | 1 << libc::CLOCK_TAI;
    /// And those that go by the monotonic clock.
    const MONOTONIC_CLOCKS: i32 = 1 << libc::CLOCK_MONOTONIC
        | 1 << libc::CLOCK_MONOTONIC_COARSE
        | 1 << libc::CLOCK_MONOTONIC_RAW
        | 1 << libc::CLOCK_BOOTTIME;

    /// Room on the stack for a timespec, a copy of the numbers, and what keeps it a multiple of eight.
    const FRAME: usize = copy(layout::STROBE_OFFSET) + 16;

    /// Where the telling keeps its copy of a number, above the timespec.
    const fn copy(number: usize) -> usize {
        16 + number - layout::JUMP
    }

    std::arch::global_asm!(
        ".pushsection .rodata.adrasteia_clock, \"a\", @progbits",
        ".balign 16",
        ".globl adrasteia_clock_code",
        ".globl adrasteia_clock_gettime",
        ".globl adrasteia_clock_gettimeofday",
        ".globl adrasteia_clock_time",
        ".globl adrasteia_clock_code_end",
        "adrasteia_clock_code:",
        //
        // rcx = what the clock edi shows; r8 = its numbers, r9d = the clock (0 wall, 1 monotonic) that they go by.
        // Coarse and raw clocks differ from the one they go by, so for those both are read.
        ".Lclock_tell:",
        "sub rsp, {frame}",
        "mov rsi, rsp",
        "mov eax, {sys_clock_gettime}",
        "syscall",
        "test eax, eax",
        "jnz .Lclock_tell_end",
        "imul r10, [rsp], 1000000000",
        "add r10, [rsp + 8]",
        "mov rcx, r10",
        "cmp edi, r9d",
        "je .Lclock_copy",
        "mov edi, r9d",
        "mov rsi, rsp",
        "mov eax, {sys_clock_gettime}",
        "syscall",
        "test eax, eax",
        "jnz .Lclock_tell_end",
        "imul rcx, [rsp], 1000000000",
        "add rcx, [rsp + 8]",
        // r10: the time of the clock asked for; rcx: of the one it goes by. A copy of the numbers, all of one setting:
        ".Lclock_copy:",
        "mov rdi, [r8 + {sequence}]",
        "test dil, 1",
        "jnz .Lclock_copy_again",
        "mov rax, [r8 + {jump}]",
        "mov [rsp + {jump_copy}], rax",
        "mov rax, [r8 + {slope_base}]",
        "mov [rsp + {slope_base_copy}], rax",
        "mov rax, [r8 + {slope_start}]",
        "mov [rsp + {slope_start_copy}], rax",
        "mov rax, [r8 + {slope_rate}]",
        "mov [rsp + {slope_rate_copy}], rax",
        "mov rax, [r8 + {slope_until}]",
        "mov [rsp + {slope_until_copy}], rax",
        "mov rax, [r8 + {strobe_base}]",
        "mov [rsp + {strobe_base_copy}], rax",
        "mov rax, [r8 + {strobe_period}]",
        "mov [rsp + {strobe_period_copy}], rax",
        "mov rax, [r8 + {strobe_offset}]",
        "mov [rsp + {strobe_offset_copy}], rax",
        "cmp rdi, [r8 + {sequence}]",
        "je .Lclock_offset",
        ".Lclock_copy_again:",
        "pause",
        "jmp .Lclock_copy",
        // r9 = the offset: the jump, and the slope while it lasts, and the strobe in its odd periods.
        ".Lclock_offset:",
        "mov r9, [rsp + {jump_copy}]",
        "cmp rcx, [rsp + {slope_until_copy}]",
        "jge .Lclock_strobe",
        "mov rax, rcx",
        "sub rax, [rsp + {slope_base_copy}]",
        "imul qword ptr [rsp + {slope_rate_copy}]",
        "mov r11d, 1000000000",
        "idiv r11",
        "add rax, [rsp + {slope_start_copy}]",
        "add r9, rax",
        ".Lclock_strobe:",
        "mov r11, [rsp + {strobe_period_copy}]",
        "test r11, r11",
        "jz .Lclock_record",
        "mov rax, rcx",
        "sub rax, [rsp + {strobe_base_copy}]",
        "cqo",
        "idiv r11",
        "test al, 1",
        "jz .Lclock_record",
        "add r9, [rsp + {strobe_offset_copy}]",
        // What is told goes on record.
        ".Lclock_record:",
        "lock inc qword ptr [r8 + {reads}]",
        "mov rax, r9",
        "xchg [r8 + {last}], rax",
        "cmp rax, r9",
        "je .Lclock_sum",
        "lock inc qword ptr [r8 + {turns}]",
        ".Lclock_sum:",
        "xor eax, eax",
        "mov rcx, r10",
        "add rcx, r9",
        "cmovs rcx, rax",
        ".Lclock_tell_end:",
        "add rsp, {frame}",
        "ret",
        //
        // int clock_gettime(clockid_t edi, struct timespec *rsi)
        "adrasteia_clock_gettime:",
        "lea r8, [rip + adrasteia_clock_code + {page}]",
        "xor r9d, r9d",
        "cmp edi, 31",
        "ja .Lclock_as_it_is",
        "mov ecx, edi",
        "mov eax, 1",
        "shl eax, cl",
        "test eax, {wall_clocks}",
        "jnz .Lclock_gettime_told",
        "test eax, {monotonic_clocks}",
        "jz .Lclock_as_it_is",
        "inc r9d",
        "add r8, {stride}",
        ".Lclock_gettime_told:",
        "push rsi",
        "call .Lclock_tell",
        "pop rsi",
        "test eax, eax",
        "jnz .Lclock_gettime_end",
        "mov rax, rcx",
        "xor edx, edx",
        "mov ecx, 1000000000",
        "div rcx",
        "mov [rsi], rax",
        "mov [rsi + 8], rdx",
        "xor eax, eax",
        ".Lclock_gettime_end:",
        "ret",
        ".Lclock_as_it_is:",
        "mov eax, {sys_clock_gettime}",
        "syscall",
        "ret",
        //
        // int gettimeofday(struct timeval *rdi, struct timezone *rsi); either may be null
        "adrasteia_clock_gettimeofday:",
        "push rdi",
        "push rsi",
        "test rdi, rdi",
        "jz .Lclock_zone",
        "xor edi, edi",
        "xor r9d, r9d",
        "lea r8, [rip + adrasteia_clock_code + {page}]",
        "call .Lclock_tell",
        "test eax, eax",
        "jnz .Lclock_gettimeofday_end",
        "mov rax, rcx",
        "xor edx, edx",
        "mov ecx, 1000000000",
        "div rcx",
        "mov rdi, [rsp + 8]",
        "mov [rdi], rax",
        "mov rax, rdx",
        "xor edx, edx",
        "mov ecx, 1000",
        "div rcx",
        "mov [rdi + 8], rax",
        ".Lclock_zone:",
        "xor eax, eax",
        "mov rsi, [rsp]",
        "test rsi, rsi",
        "jz .Lclock_gettimeofday_end",
        "xor edi, edi",
        "mov eax, {sys_gettimeofday}",
        "syscall",
        ".Lclock_gettimeofday_end:",
        "add rsp, 16",
        "ret",
        //
        // time_t time(time_t *rdi); it may be null
        "adrasteia_clock_time:",
        "push rdi",
        "xor edi, edi",
        "xor r9d, r9d",
        "lea r8, [rip + adrasteia_clock_code + {page}]",
        "call .Lclock_tell",
        "pop rdi",
        "test eax, eax",
        "jnz .Lclock_time_end",
        "mov rax, rcx",
        "xor edx, edx",
        "mov ecx, 1000000000",
        "div rcx",
        "test rdi, rdi",
        "jz .Lclock_time_end",
        "mov [rdi], rax",
        ".Lclock_time_end:",
        "ret",
        "adrasteia_clock_code_end:",
        ".popsection",
        frame = const FRAME,
        page = const layout::PAGE,
        stride = const layout::STRIDE,
        sequence = const layout::SEQUENCE,
        jump = const layout::JUMP,
        slope_base = const layout::SLOPE_BASE,
        slope_start = const layout::SLOPE_START,
        slope_rate = const layout::SLOPE_RATE,
        slope_until = const layout::SLOPE_UNTIL,
        strobe_base = const layout::STROBE_BASE,
        strobe_period = const layout::STROBE_PERIOD,
        strobe_offset = const layout::STROBE_OFFSET,
        jump_copy = const copy(layout::JUMP),
        slope_base_copy = const copy(layout::SLOPE_BASE),
        slope_start_copy = const copy(layout::SLOPE_START),
        slope_rate_copy = const copy(layout::SLOPE_RATE),
        slope_until_copy = const copy(layout::SLOPE_UNTIL),
        strobe_base_copy = const copy(layout::STROBE_BASE),
        strobe_period_copy = const copy(layout::STROBE_PERIOD),
        strobe_offset_copy = const copy(layout::STROBE_OFFSET),
        reads = const layout::WITNESS + layout::READS,
        last = const layout::WITNESS + layout::LAST,
        turns = const layout::WITNESS + layout::TURNS,
        wall_clocks = const WALL_CLOCKS,
        monotonic_clocks = const MONOTONIC_CLOCKS,
        sys_clock_gettime = const libc::SYS_clock_gettime,
        sys_gettimeofday = const libc::SYS_gettimeofday,
    );
}

#[cfg(test)]
mod tests;
